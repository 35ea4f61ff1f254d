import Execution
import Foundation
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// What normalisations say without images.
@Suite struct DataFreeTests {
  /// conv → BN → function → conv.
  private func graph(_ function: [Node], second: String = "relu") -> Graph {
    var random = SplitMix64(seed: 5)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 64, 64])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets[""] = 13
    func values(_ count: Int, _ range: ClosedRange<Float>) -> Tensor {
      Tensor((0..<count).map { _ in Float.random(in: range, using: &random) })
    }
    graph[constant: "w"] = values(12, -1...1).reshaped(to: [4, 3, 1, 1])
    graph[constant: "v"] = values(8, -1...1).reshaped(to: [2, 4, 1, 1])
    graph[constant: "vb"] = values(2, -1...1)
    graph[constant: "gamma"] = Tensor([1, 0.5, -2, 0.1] as [Float])
    graph[constant: "beta"] = Tensor([0, 1, -1, 4] as [Float])
    graph[constant: "mean"] = values(4, -1...1)
    graph[constant: "variance"] = values(4, 0.5...1)
    graph.nodes =
      [
        Node("Conv", inputs: ["x", "w"], outputs: ["a"]),
        Node(
          "BatchNormalization", inputs: ["a", "gamma", "beta", "mean", "variance"],
          outputs: ["n"]),
      ] + function + [Node("Conv", inputs: [second, "v", "vb"], outputs: ["y"])]
    return graph
  }

  private func erf(_ x: Double) -> Double { Foundation.erf(x) }

  @Test func expectationsOfReLUAreThoseOfTheClosedForm() throws {
    let source = graph([Node("Relu", inputs: ["n"], outputs: ["relu"])])
    let prepared = try source.preparedForQuantization(registry: .standard)
    let moments = ChannelMoments(prepared, normals: source.normalizedValues(), registry: .standard)
    let value = try #require(moments.values["relu"])
    for (channel, (mean, deviation)) in zip([0.0, 1, -1, 4], [1.0, 0.5, 2, 0.1]).enumerated() {
      let z = mean / deviation
      let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
      let share = 0.5 * (1 + erf(z / 2.0.squareRoot()))
      #expect(abs(Double(value.means[channel]) - (deviation * density + mean * share)) < 2e-3)
    }
    #expect(value.range == 0...11)
    #expect(try #require(moments.values["n"]).range == -13...11)
    #expect(moments.values["y"] == nil)
  }

  @Test func functionsOfBranchesAndJoinsAreFollowed() throws {
    let source = graph([
      Node("Sigmoid", inputs: ["n"], outputs: ["s"]),
      Node("Mul", inputs: ["n", "s"], outputs: ["silu"]),
      Node("Relu", inputs: ["n"], outputs: ["r"]),
      Node("Add", inputs: ["silu", "r"], outputs: ["relu"]),
      Node("Concat", inputs: ["silu", "r"], outputs: ["both"], attributes: ["axis": .int(1)]),
      Node(
        "MaxPool", inputs: ["both"], outputs: ["p"], attributes: ["kernel_shape": .ints([2, 2])]),
    ])
    var withOutputs = source
    withOutputs.outputs.append(ValueInfo(name: "p", type: .undeclared))
    let moments = ChannelMoments(
      try withOutputs.preparedForQuantization(registry: .standard),
      normals: source.normalizedValues(), registry: .standard)
    // SiLU never falls below −0.2785; what is above 6 deviations is not seen.
    let silu = try #require(moments.values["silu"])
    #expect(abs(silu.range.lowerBound + 0.2785) < 0.01 && abs(silu.range.upperBound - 11) < 0.01)
    // SiLU and ReLU of one value add up number by number.
    let sum = try #require(moments.values["relu"])
    #expect(abs(sum.range.upperBound - 22) < 0.01 && sum.range.lowerBound > -0.3)
    #expect(moments.values["p"]?.means.count == 8)
  }

  @Test func absorbedBiasesKeepTheFunction() throws {
    let source = graph([Node("Relu", inputs: ["n"], outputs: ["relu"])])
    var prepared = try source.preparedForQuantization(registry: .standard)
    // Whatever the image, channel 3 lies above 0: that is what its normalisation says of it.
    var bias = try #require(prepared[constant: prepared.nodes[0].inputs[2]])
    bias.withUnsafeMutableElements(as: Float.self) { $0[3] += 50 }
    prepared[constant: prepared.nodes[0].inputs[2]] = bias
    let pairs = CrossLayerEqualization(prepared, registry: .standard).pairs
    let absorption = BiasAbsorption(
      prepared, pairs: pairs, normals: source.normalizedValues())
    let amounts = try #require(absorption.amounts["n"])
    #expect(
      zip(amounts, [0, 0, 0, 3.7] as [Float]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(amounts)")
    var moved = prepared
    BiasAbsorption.apply(absorption.amounts, pairs: pairs, to: &moved)
    let network = TinyNetwork(prepared)
    #expect(moved != prepared)
    #expect(TinyNetwork.distance(try network.run(prepared), try network.run(moved)) < 1e-5)
  }

  @Test func shiftsAreWhatRoundingDoesToTheMean() throws {
    let source = graph([Node("Relu", inputs: ["n"], outputs: ["relu"])])
    let prepared = try source.preparedForQuantization(registry: .standard)
    let network = TinyNetwork(prepared)
    var scheme = QuantizationScheme()
    scheme.weightBits = 3
    let plan = try network.plan(scheme)
    let moments = ChannelMoments(prepared, normals: source.normalizedValues(), registry: .standard)
    let shifts = AnalyticBiasCorrection.shifts(
      prepared, plan: plan, sites: network.sites, moments: moments)
    let found = try #require(shifts["y"])
    let weights = try #require(prepared[constant: "v"]).floats
    let means = try #require(moments.values["relu"]).means
    for channel in 0..<2 {
      let row = Array(weights[channel * 4..<channel * 4 + 4])
      let scale = (row.map { abs($0) }.max() ?? 0) / 3
      let expected = -zip(row, means).reduce(Float(0)) {
        $0 + (($1.0 / scale).rounded(.toNearestOrEven) * scale - $1.0) * $1.1
      }
      #expect(abs(found[channel] - expected) < 1e-5)
    }
  }

  @Test func reLU6BecomesReLU() throws {
    var graph = graph([Node("Clip", inputs: ["n", "zero", "six"], outputs: ["relu"])])
    graph[constant: "zero"] = Tensor(scalar: Float(0))
    graph[constant: "six"] = Tensor(scalar: Float(6))
    var prepared = try graph.preparedForQuantization(registry: .standard)
    #expect(CrossLayerEqualization(prepared, registry: .standard).pairs.isEmpty)
    #expect(prepared.replaceReLU6() == 1)
    #expect(CrossLayerEqualization(prepared, registry: .standard).pairs.count == 1)
  }

  @Test func rangesAreRefinedByTheErrorOfTheAnswers() throws {
    let network = try TinyNetwork("yolov8n")
    let plan = try network.plan()
    let statistics = try network.statistics()
    let refinement = try ClipRefinement(plan, statistics: statistics)
    #expect(refinement.trials > 1)
    var asked = 0
    // An error that wants every range as narrow as it comes.
    let refined = try refinement.refine(plan) { plan in
      asked += 1
      return plan.activations.reduce(0) { $0 + Double($1.highest - $1.lowest) }
    }
    #expect(asked == refinement.trials)
    for (old, new) in zip(plan.activations, refined.activations) {
      #expect(new.highest - new.lowest <= old.highest - old.lowest)
    }
    #expect(refined != plan)
    #expect(try refinement.refine(plan) { _ in 1 } == plan)
  }

  @Test func calibrationGoesOnWhereItStopped() throws {
    let network = try TinyNetwork("yolov5n")
    func calibrate(_ images: Int, resuming known: Calibration? = nil) throws -> Calibration {
      try Calibration(
        network.graph, values: network.sites.observed, countsNumbers: true,
        inputs: network.inputs.first(images), engine: inference(), resuming: known)
    }
    let whole = try calibrate(2)
    let encoder = JSONEncoder()
    let half = try JSONDecoder().decode(
      Calibration.self, from: encoder.encode(try calibrate(1)))
    #expect(half.images == 1)
    #expect(try calibrate(2, resuming: half).statistics == whole.statistics)
  }
}
