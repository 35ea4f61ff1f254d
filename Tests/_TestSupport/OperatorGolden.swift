import Foundation
import GraphIR
import Tensors

/// One node with inputs and the outputs ONNX Runtime gave, from `Tests/Goldens/Operators`.
public struct OperatorGolden: Sendable, CustomStringConvertible {
  /// The case's name in `Tools/goldens/operator_cases_*.py`.
  public var name: String
  /// The node, with inputs named `x0` and so on, and outputs named `y0` and so on.
  public var node: Node
  /// The version of the node's domain.
  public var opset: Int
  /// One tensor for each input; `nil` for an omitted one.
  public var inputs: [Tensor?]
  /// The inputs a model would store as initializers.
  public var constants: Set<Int>
  /// The expected outputs.
  public var outputs: [Tensor]
  /// The name of the tolerance; `nil` for the usual one of the output's element type.
  public var tolerance: String?

  /// A node with operands, and the outputs that are expected of it.
  public init(
    name: String, node: Node, opset: Int, inputs: [Tensor?], constants: Set<Int> = [],
    outputs: [Tensor], tolerance: String? = nil
  ) {
    (self.name, self.node, self.opset) = (name, node, opset)
    (self.inputs, self.constants, self.outputs) = (inputs, constants, outputs)
    self.tolerance = tolerance
  }

  /// The name.
  public var description: String { name }

  /// The families of cases.
  public static let families = ["nn", "data", "opsets", "composed", "spatial", "products"]

  /// All cases of one family.
  public static func load(_ family: String) throws -> [OperatorGolden] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../Goldens/Operators").standardized
    let entries = try JSONDecoder().decode(
      [Entry].self, from: Data(contentsOf: folder.appending(path: "\(family).json")))
    let data = try Data(contentsOf: folder.appending(path: "\(family).bin"))
    return entries.map { $0.golden(data) }
  }

  /// A graph whose only node is this one, for asking a registry for the operator.
  public var graph: Graph {
    var properties = ModelProperties()
    properties.opsets = [node.domain: opset]
    return Graph(nodes: [node], properties: properties)
  }
}

private struct Entry: Decodable {
  struct Array: Decodable {
    var type: ElementType
    var shape: [Int]
    var offset: Int

    func tensor(_ data: Data) -> Tensor {
      let type = TensorType(type, shape)
      return data[offset..<offset + type.byteCount].withUnsafeBytes {
        Tensor(bytes: $0, type: type)
      }
    }
  }

  struct Attribute: Decodable {
    var kind: String
    var int: Int?
    var float: Float?
    var string: String?
    var ints: [Int]?
    var floats: [Float]?
    var strings: [String]?

    var value: AttributeValue {
      if let int { return .int(int) }
      if let float { return .float(float) }
      if let string { return .string(string) }
      if let ints { return .ints(ints) }
      if let floats { return .floats(floats) }
      return .strings((strings ?? []).map { Swift.Array($0.utf8) })
    }
  }

  var name: String
  var op: String
  var domain: String
  var opset: Int
  var attributes: [String: Attribute]
  var inputs: [Array?]
  var constants: [Int]
  var outputs: [Array]
  var tolerance: String?

  func golden(_ data: Data) -> OperatorGolden {
    let attributes = Attributes(
      attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value.value) })
    let node = Node(
      op, domain: domain, name: name,
      inputs: inputs.indices.map { inputs[$0] == nil ? "" : "x\($0)" },
      outputs: outputs.indices.map { "y\($0)" }, attributes: attributes)
    return OperatorGolden(
      name: name, node: node, opset: opset, inputs: inputs.map { $0?.tensor(data) },
      constants: Set(constants), outputs: outputs.map { $0.tensor(data) }, tolerance: tolerance)
  }
}
