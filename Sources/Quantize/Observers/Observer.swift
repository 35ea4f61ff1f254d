import GraphIR
import Tensors

/// Chooses the range that a value is quantised in from what calibration saw.
public struct Observer: Sendable {
  /// The name users type.
  public var name: String
  /// The summary in help texts.
  public var summary: String
  /// Whether it needs to know how often each number came.
  public var needsHistogram: Bool
  /// Whether the ranges are refined afterwards by what the head says; see ``ClipRefinement``.
  public var refinesByHead: Bool
  /// Chooses the range; the statistics have seen at least one finite number.
  var choose: @Sendable (ValueStatistics, QuantizationScheme) -> ClosedRange<Float>

  /// An observer of the given parts.
  public init(
    name: String, summary: String, needsHistogram: Bool, refinesByHead: Bool = false,
    choose: @escaping @Sendable (ValueStatistics, QuantizationScheme) -> ClosedRange<Float>
  ) {
    (self.name, self.summary) = (name, summary)
    (self.needsHistogram, self.refinesByHead) = (needsHistogram, refinesByHead)
    self.choose = choose
  }

  /// Every observer, in the order of help and error texts: those of the library, then added ones.
  public static var all: [Observer] { builtIn + additions.all }

  /// Adds an observer, which is then found by its name.
  public static func add(_ observer: Observer) { additions.add(observer) }

  private static let additions = Additions<Observer>()
  private static let builtIn: [Observer] = [
    minMax, movingAverage, percentile(99.99), entropy, meanSquare, detection,
  ]

  /// The observer of a name; `percentile=99.9` names the percentage.
  public static func named(_ name: String) -> Observer? {
    if let found = all.first(where: { $0.name == name }) { return found }
    let parts = name.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, parts[0] == "percentile", let percentage = Double(parts[1]),
      percentage > 50, percentage <= 100
    else { return nil }
    return percentile(percentage)
  }

  /// The range of a value.
  ///
  /// - Throws: ``CalibrationError/nothingObserved`` when no finite number was seen.
  public func range(
    of statistics: ValueStatistics, scheme: QuantizationScheme
  ) throws -> ClosedRange<Float> {
    guard statistics.lowest <= statistics.highest else { throw CalibrationError.nothingObserved }
    return choose(statistics, scheme)
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
