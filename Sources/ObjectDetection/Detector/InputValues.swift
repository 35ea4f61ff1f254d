import GraphIR

/// Shapes of inputs, and constants for inputs that take no image, by name.
public struct InputValues: Sendable, Equatable {
  /// Concrete shapes.
  public var shapes: [String: [Int]]
  /// The numbers as they were written.
  public var constants: [String: [String]]
  /// Rows and columns of the image input; `nil` for those of the file.
  public var imageSize: ImageInput.Size?

  /// Values by input name.
  public init(
    shapes: [String: [Int]] = [:], constants: [String: [String]] = [:],
    imageSize: ImageInput.Size? = nil
  ) {
    (self.shapes, self.constants, self.imageSize) = (shapes, constants, imageSize)
  }

  /// Checks that each constant is for an input of one of the networks.
  ///
  /// - Throws: ``InputError/unknown(name:known:)`` for the first that is not.
  public func check(_ graphs: [Graph]) throws {
    let known = graphs.flatMap { $0.inputs.map(\.name) }
    guard let stray = constants.keys.sorted().first(where: { !known.contains($0) }) else { return }
    throw InputError.unknown(name: stray, known: known)
  }
}
