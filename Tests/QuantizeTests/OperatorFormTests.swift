import Execution
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// QDQ networks in operators of integers.
@Suite struct OperatorFormTests {
  @Test(arguments: ["yolov8n", "yolov5n", "mobilenetv2-ssdlite", "vgg11"])
  func computesTheSame(name: String) throws {
    let network = try TinyNetwork(name)
    let quantized = try network.quantized(try network.plan())
    let form = OperatorForm(quantized, registry: .standard).graph
    try form.verify()
    let kinds = Dictionary(form.nodes.map { ($0.opType, 1) }, uniquingKeysWith: +)
    #expect((kinds["QLinearConv"] ?? 0) > 5, "\(kinds)")
    #expect(
      (kinds["DequantizeLinear"] ?? 0) * 2
        < quantized.nodes.count { $0.opType == "DequantizeLinear" })
    #expect(
      TinyNetwork.distance(try network.run(quantized), try network.run(form)) < 0.004, "\(kinds)")
    let reference = try ReferenceInterpreter(form, registry: .standard).run(network.images[0])
    #expect(TinyNetwork.distance(try network.run(form), reference) < 0.004)
  }

  @Test func clampsThatIntegersDoNotMakeStay() throws {
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 64, 64])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph[constant: "w"] = Tensor((0..<12).map { Float($0 % 5) - 2 }, shape: [4, 3, 1, 1])
    graph[constant: "v"] = Tensor((0..<4).map { Float($0) - 1 }, shape: [1, 4, 1, 1])
    graph[constant: "low"] = Tensor(scalar: Float(-0.5))
    graph[constant: "high"] = Tensor(scalar: Float(0.5))
    graph.nodes = [
      Node("Conv", inputs: ["x", "w"], outputs: ["a"]),
      Node("Clip", inputs: ["a", "low", "high"], outputs: ["b"]),
      Node("Conv", inputs: ["b", "v"], outputs: ["y"]),
    ]
    graph.properties.opsets[""] = 13
    let network = TinyNetwork(graph)
    var plan = try network.plan()
    // A range beyond the clamp: its integers reach where the clamp does not.
    plan.activations = plan.activations.map {
      $0.name == "b" ? .init(name: "b", range: -2...2) : $0
    }
    let form = OperatorForm(try network.quantized(plan), registry: .standard).graph
    #expect(form.nodes.contains { $0.opType == "Clip" })
    #expect(
      !OperatorForm(try network.quantized(try network.plan()), registry: .standard).graph.nodes
        .contains {
          $0.opType == "Clip"
        })
  }
}
