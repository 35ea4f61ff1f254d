import Execution
import GraphIR
import Operators
import Prune
import Tensors
import TestSupport
import Testing

/// The blocks that detectors are made of, each alone: what goes together, and the proof of random
/// cuts.
@Suite struct ChannelBlockTests {
  /// A graph that grows node by node from the input `x`, `[1, 3, 16, 16]`.
  struct Sketch {
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 16, 16])))])
    private var random = SplitMix64(seed: 11)

    init(opset: Int = 17) { graph.properties.opsets = ["": opset] }

    mutating func constant(_ shape: [Int]) -> String {
      let name = "c\(graph.initializers.count)"
      graph[constant: name] = Tensor(
        (0..<shape.reduce(1, *)).map { _ in Float.random(in: -0.5...0.5, using: &random) },
        shape: shape)
      return name
    }

    mutating func numbers(_ values: [Int]) -> String {
      let name = "c\(graph.initializers.count)"
      graph[constant: name] = Tensor(values.map(Int64.init))
      return name
    }

    mutating func add(
      _ opType: String, _ inputs: [String], outputs: Int = 1, _ attributes: Attributes = [:]
    ) -> [String] {
      let names = (0..<outputs).map { "v\(graph.nodes.count).\($0)" }
      graph.nodes.append(
        Node(
          opType, name: "n\(graph.nodes.count)", inputs: inputs, outputs: names,
          attributes: attributes))
      return names
    }

    mutating func conv(
      _ x: String, _ inputs: Int, _ outputs: Int, kernel: Int = 3, groups: Int = 1, stride: Int = 1
    ) -> String {
      let w = constant([outputs, inputs / groups, kernel, kernel])
      let b = constant([outputs])
      return add(
        "Conv", [x, w, b],
        [
          "kernel_shape": .ints([kernel, kernel]), "strides": .ints([stride, stride]),
          "pads": .ints([Int](repeating: kernel / 2, count: 4)), "group": .int(groups),
        ])[0]
    }

    /// A convolution of 8-bit integers with 32-bit biases whose input is rounded before it.
    mutating func quantized(_ x: String, _ inputs: Int, _ outputs: Int, byChannel: Bool) -> String {
      func whole<Element: FixedWidthInteger & TensorElement>(
        _ shape: [Int], in range: ClosedRange<Element>
      ) -> String {
        let name = "c\(graph.initializers.count)"
        graph[constant: name] = Tensor(
          (0..<shape.reduce(1, *)).map { _ in Element.random(in: range, using: &random) },
          shape: shape)
        return name
      }
      func scales(_ least: Float) -> String {
        let name = "c\(graph.initializers.count)"
        let values = (0..<(byChannel ? outputs : 1)).map { least * Float($0 + 1) }
        graph[constant: name] = Tensor(values, shape: byChannel ? [outputs] : [])
        return name
      }
      let axis: Attributes = byChannel ? ["axis": .int(0)] : [:]
      let step = scales(0.001)
      let (one, zero) = ("c\(graph.initializers.count)", "c\(graph.initializers.count + 1)")
      graph[constant: one] = Tensor([0.02 as Float], shape: [])
      graph[constant: zero] = Tensor([3 as UInt8], shape: [])
      let q = add("QuantizeLinear", [x, one, zero])[0]
      let dq = add("DequantizeLinear", [q, one, zero])[0]
      let w = add(
        "DequantizeLinear", [whole([outputs, inputs, 3, 3], in: Int8(-128)...127), step], axis)[0]
      let b = add(
        "DequantizeLinear", [whole([outputs], in: Int32(-900)...900), scales(0.001)], axis)[0]
      return add(
        "Conv", [dq, w, b], ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])])[0]
    }

    /// A convolution and SiLU.
    mutating func block(_ x: String, _ inputs: Int, _ outputs: Int, kernel: Int = 3) -> String {
      let y = conv(x, inputs, outputs, kernel: kernel)
      let gate = add("Sigmoid", [y])[0]
      return add("Mul", [y, gate])[0]
    }

    mutating func finish(_ x: String, _ inputs: Int) {
      let y = conv(x, inputs, 4, kernel: 1)
      graph.outputs = [ValueInfo(name: y, type: .undeclared)]
    }
  }

  /// The removable groups of a sketch; several random cuts hold.
  private func groups(_ sketch: Sketch) throws -> Int {
    let graph = sketch.graph
    let coupling = try ChannelCoupling(graph, registry: .standard)
    for seed in 0..<4 {
      let removed = ChannelCouplingTests.choice(
        coupling, ratio: 0.2 + 0.2 * Double(seed), seed: UInt64(seed))
      guard !removed.isEmpty else { continue }
      let cut = try coupling.removing(removed)
      let proof = try ChannelProof(
        cut, inputs: TensorSet(try ChannelCouplingTests.feeds(graph, count: 2)),
        engine: Engine(registry: .standard))
      #expect(proof.holds, "\(proof.errors)")
      let before = try ModelCost(graph, registry: .standard).parameters
      #expect(try ModelCost(cut.graph, registry: .standard).parameters < before)
    }
    return coupling.groups.count
  }

  @Test func aChain() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    s.finish(s.block(a, 8, 12), 12)
    #expect(try groups(s) == 20)
  }

  /// Integers with a scale for each channel stay integers, activations keep their scales.
  @Test(arguments: [true, false]) func quantisedConvolutionsStayIntegers(byChannel: Bool) throws {
    var s = Sketch()
    let a = s.quantized("x", 3, 8, byChannel: byChannel)
    let b = s.quantized(s.add("Relu", [a])[0], 8, 12, byChannel: byChannel)
    s.finish(b, 12)
    #expect(try groups(s) == 20)

    let coupling = try ChannelCoupling(s.graph, registry: .standard)
    let cut = try coupling.removing([0, 3, 9]).graph
    let stored = cut.initializers.values.map(\.tensor).filter { $0.elementType == .int8 }
    let shapes = stored.map(\.shape).filter { $0.count == 4 }.sorted { $0[0] < $1[0] }
    #expect(shapes == [[6, 3, 3, 3], [11, 6, 3, 3]])
    #expect(cut.nodes.count == s.graph.nodes.count)
    let scales = cut.nodes.filter { $0.opType == "DequantizeLinear" }.compactMap {
      cut[constant: $0.inputs[1]]?.shape
    }.filter { $0 != [] }
    #expect(scales == (byChannel ? [[6], [6], [11], [11]] : []))
  }

  @Test func residualSumsUnite() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let b = s.block(a, 8, 6)
    let c = s.block(b, 6, 8)
    s.finish(s.add("Add", [a, c])[0], 8)
    #expect(try groups(s) == 8 + 6)
  }

  @Test func concatenationsFeedSeveralReaders() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let b = s.block(a, 8, 6)
    let joined = s.add("Concat", [a, b, a], ["axis": .int(1)])[0]
    let c = s.block(joined, 22, 5)
    let d = s.block(joined, 22, 7)
    let e = s.add("Concat", [c, d], ["axis": .int(1)])[0]
    s.finish(e, 12)
    #expect(try groups(s) == 8 + 6 + 5 + 7)
  }

  /// Kept weights keep their integers, pruned ones become the integer that stands for zero.
  @Test func zerosOfQuantisedWeightsAreIntegers() throws {
    var s = Sketch()
    s.finish(s.quantized(s.quantized("x", 3, 8, byChannel: true), 8, 12, byChannel: true), 12)
    var request = PruningRequest()
    request.sparsity = 0.5
    let plan = try request.plan(for: s.graph, registry: .standard)
    let pruned = try plan.applied(to: s.graph, registry: .standard)
    var zeros = 0
    for (name, initializer) in s.graph.initializers where initializer.tensor.elementType == .int8 {
      let after = try #require(pruned[constant: name])
      #expect(after.type == initializer.tensor.type)
      for (old, new) in zip(initializer.tensor.doubles, after.doubles) where new != old {
        #expect(new == 0)
        zeros += 1
      }
    }
    #expect(plan.prunable == 8 * 12 * 9)
    #expect(zeros > plan.prunable / 3)
  }

  /// C2f: a split whose halves go different ways.
  @Test(arguments: [11, 17]) func splitsAndBottlenecks(opset: Int) throws {
    var s = Sketch(opset: opset)
    let a = s.block("x", 3, 8, kernel: 1)
    let halves =
      opset < 13
      ? s.add("Split", [a], outputs: 2, ["axis": .int(1), "split": .ints([4, 4])])
      : s.add("Split", [a, s.numbers([4, 4])], outputs: 2, ["axis": .int(1)])
    let m = s.block(s.block(halves[1], 4, 6), 6, 4)
    let sum = s.add("Add", [halves[1], m])[0]
    let joined = s.add("Concat", [halves[0], halves[1], sum], ["axis": .int(1)])[0]
    s.finish(joined, 12)
    #expect(try groups(s) == 4 + 4 + 6)
  }

  @Test(arguments: [1, 2]) func depthwiseConvolutionsPassLabelsOn(multiplier: Int) throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let d = s.conv(a, 8, 8 * multiplier, groups: 8)
    s.finish(s.block(d, 8 * multiplier, 6), 6)
    #expect(try groups(s) == 8 + 6)
  }

  @Test func groupsLoseTheSameChannels() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let g = s.conv(a, 8, 12, groups: 4)
    s.finish(g, 12)
    #expect(try groups(s) == 2 + 3)
  }

  @Test func shufflesStayRectangular() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let split = s.add("Reshape", [a, s.numbers([1, 2, 4, 16, 16])])[0]
    let turned = s.add("Transpose", [split], ["perm": .ints([0, 2, 1, 3, 4])])[0]
    let back = s.add("Reshape", [turned, s.numbers([1, 8, 16, 16])])[0]
    let parts = s.add("Split", [back, s.numbers([4, 4])], outputs: 2, ["axis": .int(1)])
    let b = s.block(parts[1], 4, 4)
    s.finish(s.add("Concat", [parts[0], b], ["axis": .int(1)])[0], 8)
    #expect(try groups(s) == 4 + 4)
  }

  @Test func focusAndDepthToSpace() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let slices = [(0, 0), (1, 0), (0, 1), (1, 1)].map { row, column in
      s.add(
        "Slice",
        [
          a, s.numbers([row, column]), s.numbers([16, 16]), s.numbers([2, 3]), s.numbers([2, 2]),
        ])[0]
    }
    let focus = s.add("Concat", slices, ["axis": .int(1)])[0]
    let b = s.block(focus, 32, 8)
    let up = s.add("DepthToSpace", [b], ["blocksize": .int(2)])[0]
    let down = s.add("SpaceToDepth", [up], ["blocksize": .int(2)])[0]
    s.finish(s.add("DepthToSpace", [down], ["blocksize": .int(2)])[0], 2)
    #expect(try groups(s) == 8 + 2)
  }

  @Test func poolingPyramids() throws {
    var s = Sketch()
    let a = s.block("x", 3, 6)
    var pools = [a]
    for _ in 0..<3 {
      pools.append(
        s.add(
          "MaxPool", [pools[pools.count - 1]],
          ["kernel_shape": .ints([5, 5]), "pads": .ints([2, 2, 2, 2])])[0])
    }
    s.finish(s.add("Concat", pools, ["axis": .int(1)])[0], 24)
    #expect(try groups(s) == 6)
  }

  @Test func squeezeAndExcitation() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let pooled = s.add("GlobalAveragePool", [a])[0]
    let squeezed = s.add("Relu", [s.conv(pooled, 8, 4, kernel: 1)])[0]
    let gate = s.add("HardSigmoid", [s.conv(squeezed, 4, 8, kernel: 1)])[0]
    s.finish(s.add("Mul", [a, gate])[0], 8)
    #expect(try groups(s) == 8 + 4)
  }

  /// One map of weights for all channels keeps its only channel.
  @Test func spatialAttentionIsSpread() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let gate = s.add("Sigmoid", [s.conv(a, 8, 1)])[0]
    s.finish(s.add("Mul", [a, gate])[0], 8)
    #expect(try groups(s) == 8)
  }

  @Test func transposedConvolutionsSlopesAndResizing() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let w = s.constant([8, 6, 2, 2])
    let up = s.add(
      "ConvTranspose", [a, w], ["strides": .ints([2, 2]), "kernel_shape": .ints([2, 2])])[0]
    let sloped = s.add("PRelu", [up, s.constant([6, 1, 1])])[0]
    s.graph[constant: "scales"] = Tensor([1, 1, 2, 2] as [Float])
    let large = s.add("Resize", [sloped, "", "scales"], ["mode": .string(Array("nearest".utf8))])[0]
    s.finish(large, 6)
    #expect(try groups(s) == 8 + 6)
  }

  @Test func sizesOfResizingAreAdjusted() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let large = s.add(
      "Resize", [a, "", "", s.numbers([1, 8, 32, 32])], ["mode": .string(Array("linear".utf8))])[0]
    s.finish(large, 8)
    #expect(try groups(s) == 8)
  }

  /// Padding with values other than zero, around the image and among channels.
  @Test func paddingKeepsWhatItAdds() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    s.graph[constant: "value"] = Tensor(scalar: Float(0.75))
    let around = s.add("Pad", [a, s.numbers([0, 0, 1, 1, 0, 0, 1, 1]), "value"])[0]
    let among = s.add("Pad", [around, s.numbers([0, 2, 0, 0, 0, 1, 0, 0]), "value"])[0]
    s.finish(among, 11)
    #expect(try groups(s) == 8)
  }

  @Test func flattenedChannelsAreReadByMatrices() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let flat = s.add("Flatten", [a])[0]
    let hidden = s.add(
      "Relu",
      [s.add("Gemm", [flat, s.constant([10, 2048]), s.constant([10])], ["transB": .int(1)])[0]])[0]
    let y = s.add("MatMul", [hidden, s.constant([10, 5])])[0]
    s.graph.outputs = [ValueInfo(name: y, type: .undeclared)]
    #expect(try groups(s) == 8 + 10)
  }

  /// Heads of attention lose the same places; queries and keys lose them together.
  @Test func attentionHeadsLoseTheSamePlaces() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8, kernel: 1)
    let qkv = s.conv(a, 8, 24, kernel: 1)
    let heads = s.add("Reshape", [qkv, s.numbers([1, 2, 12, 256])])[0]
    let parts = s.add("Split", [heads, s.numbers([4, 4, 4])], outputs: 3, ["axis": .int(2)])
    let turned = s.add("Transpose", [parts[0]], ["perm": .ints([0, 1, 3, 2])])[0]
    let weights = s.add("Softmax", [s.add("MatMul", [turned, parts[1]])[0]], ["axis": .int(-1)])[0]
    let spread = s.add("Transpose", [weights], ["perm": .ints([0, 1, 3, 2])])[0]
    let mixed = s.add("MatMul", [parts[2], spread])[0]
    s.finish(s.add("Reshape", [mixed, s.numbers([1, 8, 16, 16])])[0], 8)
    #expect(try groups(s) == 8 + 4 + 4)
  }

  @Test func mixedChannelsStay() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let soft = s.add("Softmax", [a], ["axis": .int(1)])[0]
    s.finish(s.block(soft, 8, 6), 6)
    let coupling = try ChannelCoupling(s.graph, registry: .standard)
    #expect(coupling.groups.count == 6)
    #expect(coupling.frozenCounts[.mixed] == 8)
    #expect(coupling.producers[0].frozen[0]?.place.contains("Softmax") == true)
  }

  @Test func unknownOperatorsKeepWhatTheyTouch() throws {
    var s = Sketch()
    let a = s.block("x", 3, 8)
    let b = s.block(a, 8, 6)
    s.graph.nodes.append(
      Node("Strange", domain: "elsewhere", name: "odd", inputs: [b], outputs: ["strange"]))
    s.graph.outputs = [ValueInfo(name: "strange", type: .undeclared)]
    let coupling = try ChannelCoupling(s.graph, registry: .standard)
    #expect(coupling.groups.count == 8)
    #expect(coupling.frozenCounts[.opaque] == 6)
    let cut = try coupling.removing([0, 3])
    #expect(cut.graph.nodes.last?.opType == "Strange")
    #expect(cut.graph[constant: "c0"]?.shape == [6, 3, 3, 3])
  }

  /// Weights that two layers share lose the same channels in both.
  @Test func sharedWeightsAreCutOnce() throws {
    var s = Sketch()
    let w = s.constant([8, 3, 3, 3])
    let attributes: Attributes = ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])]
    let a = s.add("Conv", ["x", w], attributes)[0]
    let half = s.add(
      "AveragePool", ["x"], ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])])[0]
    let b = s.add("Conv", [half, w], attributes)[0]
    s.finish(s.add("Concat", [a, b], ["axis": .int(1)])[0], 16)
    #expect(try groups(s) == 8)
  }
}
