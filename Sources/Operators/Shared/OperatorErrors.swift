import GraphIR
import Tensors

/// Errors that several operators throw in the same words.
enum OperatorErrors {
  /// A call whose types were not inferred first.
  static let dynamicTypes = OperatorError.unsupported(
    "a planned output; its extents depend on values that only the run knows")

  /// An element type that is not calculated with.
  static func calculation(_ type: ElementType) -> OperatorError {
    .unsupported("calculation with \(type.rawValue) elements")
  }

  /// What a node in training mode asks for.
  static let training =
    "training, where outputs depend on chance or on the batch; export the model for inference"

  /// An index beyond an axis.
  static func index(_ index: Int, extent: Int) -> OperatorError {
    .unsupported("index \(index) on an axis of \(extent)")
  }
}
