import GraphIR
import ObjectDetection
import Tensors

/// A network that always answers the same.
final class FixedNetwork: DetectorRuntime {
  let imageInput: ImageInput
  let outputNames: [String]
  let input: UnsafeMutableRawPointer
  private let outputs: [String: Tensor]

  init(height: Int = 320, width: Int = 320, _ outputs: [(name: String, tensor: Tensor)]) {
    imageInput = ImageInput(name: "images", height: height, width: width)
    outputNames = outputs.map(\.name)
    self.outputs = Dictionary(outputs.map { ($0.name, $0.tensor) }, uniquingKeysWith: { a, _ in a })
    input = .allocate(byteCount: imageInput.type.byteCount, alignment: 64)
    input.initializeMemory(as: UInt8.self, repeating: 0, count: imageInput.type.byteCount)
  }

  deinit { input.deallocate() }

  func run() -> [String: Tensor] { outputs }

  /// The outputs' shapes as evidence for recognition.
  func evidence(_ graph: Graph = Graph()) -> HeadEvidence {
    HeadEvidence(
      outputs: outputNames.map { ($0, outputs[$0]?.shape ?? []) }, height: imageInput.height,
      width: imageInput.width, graph: graph)
  }
}

extension Graph {
  /// A graph whose output `name` comes out of the given operator, with class names in its metadata.
  static func ending(in opType: String?, _ name: String = "output", names: Int? = nil) -> Graph {
    var properties = ModelProperties()
    if let names {
      let list = (0..<names).map { "\($0): 'n\($0)'" }.joined(separator: ", ")
      properties.metadata["names"] = "{\(list)}"
    }
    let nodes = opType.map { [Node($0, inputs: ["x"], outputs: [name])] } ?? []
    return Graph(nodes: nodes, properties: properties)
  }
}
