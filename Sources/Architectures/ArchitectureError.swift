/// Why a network cannot be built.
public enum ArchitectureError: Error, Equatable, CustomStringConvertible {
  case imageSize(Int, stride: Int)
  case noClasses
  case notSquare(height: Int, width: Int)
  case factor(name: String, value: Double)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .imageSize(let size, let stride):
      "an image size of \(size) is no multiple of \(stride), the pixels a cell of the coarsest map"
    case .factor(let name, let value):
      "a \(name) of \(value) is not above 0 and at most \(ArchitectureOptions.largestFactor)"
    case .notSquare(let height, let width):
      "a student for images of \(width) × \(height) cannot be built, as they are not square; give a "
        + "file of one"
    case .noClasses: "a detector needs at least one class"
    }
  }
}
