import Execution
import Formats
import GraphIR
import ObjectDetection
import Operators
import Tensors

/// A prepared session as the network of a detector.
final class SessionRuntime: DetectorRuntime {
  let session: Session
  let imageInput: ImageInput
  let input: UnsafeMutableRawPointer

  /// A runtime of a network whose only open input takes images.
  ///
  /// - Throws: ``CommandError`` that names the input that takes no image, what sessions throw.
  init(
    _ graph: Graph, threads: Int, inputShapes: [String: [Int]] = [:],
    passes: [any GraphPass] = StandardRewrites.inference
  ) throws {
    imageInput = try graph.onlyImageInput(inputShapes)
    session = try Session(
      graph, registry: .standard,
      options: SessionOptions(
        threads: threads, inputShapes: inputShapes, passes: passes))
    guard let view = session.input(imageInput.name) else {
      throw CommandError(.internalError, "the input '\(imageInput.name)' has no memory")
    }
    input = view.base
  }

  var outputNames: [String] { session.outputNames }

  func run() throws -> [String: Tensor] {
    try session.run()
    return session.outputNames.reduce(into: [:]) { $0[$1] = session.output($1) }
  }
}

extension Graph {
  /// The input that takes images, where no other is open.
  ///
  /// - Throws: ``CommandError`` that names an input without a value, or says that none takes
  ///   images; ``ExecutionError`` when the shape of the image is not known.
  func onlyImageInput(_ shapes: [String: [Int]]) throws -> ImageInput {
    let open = requiredInputs
    let image = imageInput(InputValues(shapes: shapes))
    if let other = open.first(where: { $0.name != image?.name }), open.count > 1 {
      // An image of unknown shape is what stands in the way first.
      if image == nil, let likely = open.first(where: \.resemblesImage) {
        var alone = self
        alone.inputs = [likely]
        _ = try alone.concreteInputTypes(shapes.filter { $0.key == likely.name })
      }
      if image != nil {
        throw CommandError(
          .usage,
          "the input '\(other.name)' \(other.type) is no image and has no value; give it one with --input \(other.name)=VALUE,…"
        )
      }
    }
    if let image { return image }
    let inputs = try concreteInputTypes(shapes).map { "'\($0.0)' \($0.1)" }
    throw CommandError(
      .badData,
      "the model takes \(inputs.joined(separator: ", ")), which is no image; a detector takes one "
        + "[1,3,H,W] or [1,H,W,3] of float32, float16 or uint8")
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
