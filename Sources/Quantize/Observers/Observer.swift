import Tensors

/// What watches a value over calibration data and then tells the range to quantise it in.
public protocol Observer: Sendable {
  /// The name users type.
  static var name: String { get }

  /// An observer that has seen nothing.
  init()

  /// Takes note of elements; what is not finite is passed over.
  mutating func observe(_ elements: some Sequence<Float>)

  /// The range that the elements are to be mapped from.
  ///
  /// - Throws: ``CalibrationError/nothingObserved`` when no finite element was seen.
  func range() throws -> ClosedRange<Float>
}

extension Observer {
  /// The map of the observed range onto the integers of `integers`.
  ///
  /// - Throws: what ``range()`` throws.
  public func parameters(in integers: ClosedRange<Int32>) throws -> QuantizationParameters {
    let range = try range()
    return QuantizationParameters(
      lowest: range.lowerBound, highest: range.upperBound, in: integers)
  }
}

/// Why calibration gives no range.
public enum CalibrationError: Error, Equatable, CustomStringConvertible {
  /// No finite element was seen.
  case nothingObserved

  /// A sentence for the user.
  public var description: String {
    "calibration saw no finite number; check the images and the model's weights"
  }
}
