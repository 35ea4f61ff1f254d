import Formats
import GraphIR
import Tensors
import TestSupport
import Testing
import Training

/// Which constants of imported networks are trained.
@Suite struct TrainableParametersTests {
  /// Tensors and elements: all float weights, biases, γ and β, no anchors, grids or running
  /// statistics.
  @Test(
    .enabled(if: SharedAssets.isPresent, Comment(rawValue: SharedAssets.absence)),
    arguments: [
      ("fastestdet_512_bn", 210, 244_490), ("fastestdet_512_folded", 140, 240_301),
      ("mobilenet_v2_0.5_128", 113, 180_546), ("nanodet_m_320", 146, 941_818),
      ("ultraface_rfb_320_bn", 139, 276_292), ("ultraface_rfb_320_folded_nodecode", 104, 273_888),
      ("yolo11n_dequant", 174, 2_616_232), ("yolo_fastest_1.1_bn", 250, 332_798),
      ("yolo_fastest_1.1_xl_bn", 250, 898_686), ("yolox_nano_416", 226, 904_463),
      ("yolo11n_int8", 0, 0),
    ])
  func sharedModels(name: String, tensors: Int, elements: Int) throws {
    let graph = try ModelFile.load(SharedAssets.model("\(name).onnx"))
    let parameters = TrainableParameter.all(in: graph, registry: .standard)
    #expect(parameters.count == tensors)
    let constants = parameters.reduce(0) { sum, parameter in
      sum
        + (graph.initializers[parameter.name]?.tensor.count ?? graph.constantCount(parameter.name))
    }
    #expect(constants == elements)
  }

  @Test func aBiasBehindAProductAndAWeightBehindAnIdentity() {
    var graph = Graph(
      nodes: [
        Node("Identity", inputs: ["w"], outputs: ["alias"]),
        Node("MatMul", inputs: ["x", "alias"], outputs: ["product"]),
        Node("Add", inputs: ["b", "product"], outputs: ["y"]),
        Node("Add", inputs: ["y", "c"], outputs: ["z"]),
      ])
    graph[constant: "w"] = Tensor([1, 2, 3, 5] as [Float], shape: [2, 2])
    graph[constant: "b"] = Tensor([1, 2] as [Float])
    graph[constant: "c"] = Tensor([1, 2] as [Float])
    #expect(
      TrainableParameter.all(in: graph, registry: .standard) == [
        TrainableParameter(name: "w", role: .weight), TrainableParameter(name: "b", role: .bias),
      ])
  }
}

extension Graph {
  /// The elements of a `Constant` node's tensor.
  fileprivate func constantCount(_ name: String) -> Int {
    for node in nodes where node.outputs.first == name {
      if case .tensor(let tensor)? = node.attributes["value"] { return tensor.count }
    }
    return 0
  }
}
