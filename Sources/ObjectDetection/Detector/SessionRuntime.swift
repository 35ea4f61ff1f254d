import Execution
import GraphIR
import Tensors

/// A prepared session as the runtime of a detector.
public final class SessionRuntime: DetectorRuntime {
  /// The session that runs it.
  public let session: Session
  /// The image input.
  public let imageInput: ImageInput
  /// The memory of the image input.
  public let input: UnsafeMutableRawPointer

  /// A runtime of a network whose only input without a value takes images.
  ///
  /// - Throws: ``InputError`` that names the input that takes no image, what sessions throw.
  public init(_ graph: Graph, engine: Engine) throws {
    imageInput = try graph.onlyImageInput(engine.inputShapes)
    session = try engine.session(graph)
    guard let view = session.input(imageInput.name) else {
      throw InputError.noMemory(name: imageInput.name)
    }
    input = view.base
  }

  /// The outputs' names, in the network's order.
  public var outputNames: [String] { session.outputNames }

  /// Runs the network on the contents of ``input``.
  public func run() throws -> [String: Tensor] {
    try session.run()
    return session.outputNames.reduce(into: [:]) { $0[$1] = session.output($1) }
  }
}

extension Graph {
  /// The input that takes images, when no other input lacks a value.
  ///
  /// - Throws: ``InputError`` that names an input without a value, or says that none takes images;
  ///   `ExecutionError` when the shape of the image is not known.
  public func onlyImageInput(_ shapes: [String: [Int]]) throws -> ImageInput {
    let open = requiredInputs
    let image = imageInput(InputValues(shapes: shapes))
    if let other = open.first(where: { $0.name != image?.name }), open.count > 1 {
      // An image of unknown shape is reported first.
      if image == nil, let likely = open.first(where: \.resemblesImage) {
        var alone = self
        alone.inputs = [likely]
        _ = try alone.concreteInputTypes(shapes.filter { $0.key == likely.name })
      }
      if image != nil {
        throw InputError.open(name: other.name, type: "\(other.type)")
      }
    }
    if let image { return image }
    let inputs = try concreteInputTypes(shapes).map { "'\($0.0)' \($0.1)" }
    throw InputError.noImage(inputs: inputs)
  }
}

extension ValueInfo {
  /// Whether the declared type could be that of an image.
  fileprivate var resemblesImage: Bool {
    guard case .tensor(let element, let shape?) = type, shape.count == 4 else { return false }
    return ImageInput.elementTypes.contains(element)
      && [shape[1], shape[3]].contains { $0.extent == 3 || $0.extent ?? 0 <= 0 }
  }
}
