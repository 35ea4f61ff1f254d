import GraphIR
import Tensors

/// A set of inputs for calibration and measurements.
///
/// Calibration, reconstruction, sensitivities and proofs take their inputs from it. The same index
/// gives the same input each time.
public protocol CalibrationSet {
  /// The number of inputs.
  var count: Int { get }

  /// One input: a tensor for each input of the network that has no default, by name.
  func feed(_ index: Int) throws -> [String: Tensor]

  /// Writes one input into the memory of a session's inputs.
  func fill(_ index: Int, into session: Session) throws
}

extension CalibrationSet {
  /// Copies ``feed(_:)`` into the session's inputs.
  ///
  /// - Throws: ``ExecutionError`` for a tensor of another type than the input's, and what
  ///   ``feed(_:)`` throws.
  public func fill(_ index: Int, into session: Session) throws {
    for (name, tensor) in try feed(index) {
      guard let view = session.input(name) else { continue }
      guard view.type == tensor.type else {
        throw ExecutionError.inputType(
          name: name, expected: "\(view.type)", found: "\(tensor.type)")
      }
      tensor.withUnsafeBytes { view.bytes.copyMemory(from: $0) }
    }
  }

  /// The first inputs, at most `most`.
  public func first(_ most: Int) -> some CalibrationSet { FirstInputs(set: self, most: most) }
}

/// The first inputs of a set.
private struct FirstInputs<Base: CalibrationSet>: CalibrationSet {
  let set: Base
  let most: Int

  var count: Int { min(set.count, most) }
  func feed(_ index: Int) throws -> [String: Tensor] { try set.feed(index) }
  func fill(_ index: Int, into session: Session) throws { try set.fill(index, into: session) }
}

/// Inputs in memory.
public struct TensorSet: CalibrationSet {
  private let feeds: [[String: Tensor]]

  /// A set of inputs, each a tensor by input name.
  public init(_ feeds: [[String: Tensor]]) { self.feeds = feeds }

  /// The number of inputs.
  public var count: Int { feeds.count }

  /// One input.
  public func feed(_ index: Int) -> [String: Tensor] { feeds[index] }
}
