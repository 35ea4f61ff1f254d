import Execution
import Foundation
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// Rounding that is learnt, against rounding to the nearest.
@Suite struct AdaptiveRoundingTests {
  private func scheme(_ bits: Int) -> QuantizationScheme {
    var scheme = QuantizationScheme()
    scheme.weightBits = bits
    return scheme
  }

  @Test func layersAnswerBetter() throws {
    let network = try TinyNetwork("yolov8n")
    var plan = try network.plan(scheme(4))
    var settings = AdaptiveRounding.Settings()
    settings.steps = 100
    let rounding = try AdaptiveRounding(
      network.graph, plan: plan, sites: network.sites,
      inputs: network.inputs, settings: settings, engine: inference())
    #expect(rounding.layers.count > 20)
    for layer in rounding.layers {
      #expect(layer.errorAfter <= layer.errorBefore * 1.0001, "\(layer)")
    }
    func mean(_ part: (AdaptiveRounding.LearnedRounding) -> Double) -> Double {
      rounding.layers.reduce(0) { $0 + part($1) } / Double(rounding.layers.count)
    }
    #expect(mean(\.errorAfter) < 0.7 * mean(\.errorBefore))
    let float = try network.run(network.graph)
    let nearest = TinyNetwork.distance(float, try network.run(try network.quantized(plan)))
    plan.roundings = rounding.roundings
    let learnt = TinyNetwork.distance(float, try network.run(try network.quantized(plan)))
    #expect(learnt < nearest, "\(learnt) \(nearest)")
  }

  @Test func threadsDoNotMatter() throws {
    let network = try TinyNetwork("yolov5n")
    let plan = try network.plan(scheme(3))
    var settings = AdaptiveRounding.Settings()
    settings.steps = 20
    let results = try [1, 3].map { threads in
      try AdaptiveRounding(
        network.graph, plan: plan, sites: network.sites, inputs: network.inputs,
        settings: settings, engine: inference(threads: threads)
      ).roundings
    }
    #expect(results[0] == results[1] && !results[0].isEmpty)
  }

  /// One layer of few weights, whose best rounding is found by trying all of them.
  @Test func smallLayersAreRoundedBest() throws {
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 64, 64])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph[constant: "w"] = Tensor([1, 0.41, -0.37] as [Float], shape: [1, 3, 1, 1])
    graph.nodes = [Node("Conv", inputs: ["x", "w"], outputs: ["y"])]
    graph.properties.opsets[""] = 13
    let network = TinyNetwork(graph)
    let plan = try network.plan(scheme(3))
    let rounding = try AdaptiveRounding(
      graph, plan: plan, sites: network.sites,
      inputs: network.inputs, engine: inference())
    let bits = try #require(rounding.roundings["y"])
    // The scale is 1/3: 0.41 lies between 1 and 2 thirds, −0.37 between −2 and −1.
    let inputs = network.images.flatMap { $0.values.flatMap(\.floats) }
    func error(_ a: Float, _ b: Float) -> Double {
      let plane = 64 * 64
      var sum = 0.0
      for image in 0..<2 {
        for place in 0..<plane {
          let first = image * 3 * plane + place
          let change = (a - 0.41) * inputs[first + plane] + (b + 0.37) * inputs[first + 2 * plane]
          sum += Double(change * change)
        }
      }
      return sum
    }
    let third = Float(1) / 3
    var best: (error: Double, up: [Bool]) = (.infinity, [])
    for second in [false, true] {
      for last in [false, true] {
        let found = error(second ? 2 * third : third, last ? -third : -2 * third)
        if found < best.error { best = (found, [second, last]) }
      }
    }
    let byte = try #require(bits.first)
    #expect([byte >> 1 & 1 == 1, byte >> 2 & 1 == 1] == best.up)
  }
}
