import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// One rewrite on one small graph, and the operators that must remain.
struct RewriteCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var pass: String
  var remaining: [String: Int]
  var sketch: Sketch

  init(
    _ description: String, _ pass: String, _ remaining: [String: Int],
    _ lines: (inout Sketch) -> Void
  ) {
    testDescription = description
    self.pass = pass
    self.remaining = remaining
    sketch = Sketch.of(lines)
  }
}

/// Rewrites keep what a graph computes, fire where they should and nowhere else.
struct RewriteTests {
  @Test(arguments: RewriteCase.all) func rewriteKeepsTheFunction(example: RewriteCase) throws {
    let pass = try #require(StandardRewrites.inference.first { $0.name == example.pass })
    var graph = try example.sketch.typed()
    let feed = example.sketch.feed
    let before = try ReferenceInterpreter(graph, registry: .standard).run(feed)
    try pass.run(on: &graph, registry: .standard)
    graph.removeDeadNodes()
    try graph.verify()
    #expect(Dictionary(grouping: graph.nodes, by: \.opType).mapValues(\.count) == example.remaining)
    let after = try ReferenceInterpreter(graph, registry: .standard).run(feed)
    #expect(Set(after.keys) == Set(before.keys))
    for (name, expected) in before {
      let found = try #require(after[name])
      #expect(found.type == expected.type)
      #expect(normalizedMaxError(found.doubles, expected.doubles) <= Tolerance.fastMath.bound)
    }
  }

  /// The functions of one number among the operators of neural networks.
  static let functions = StandardOperators.neuralNetwork.filter {
    $0 is any ElementwiseOperator.Type && $0.domain.isEmpty
  }.map { $0.opType }

  /// Between quantised values a function of one number is a table of bytes.
  @Test(arguments: functions) func everyActivationBecomesATable(opType: String) throws {
    let sketch = Sketch.of { net in
      func quantized(_ x: String, _ scale: Float) -> String {
        let operands = [
          net.constant(Tensor(scalar: scale)), net.constant(Tensor(scalar: UInt8(100))),
        ]
        return net.node("DequantizeLinear", [net.node("QuantizeLinear", [x] + operands)] + operands)
      }
      net.output(quantized(net.node(opType, [quantized("x", 0.02)]), 0.013))
    }
    var graph = try sketch.typed()
    let before = try ReferenceInterpreter(graph, registry: .standard).run(sketch.feed)
    for pass in StandardRewrites.inference { try pass.run(on: &graph, registry: .standard) }
    #expect(
      graph.nodes.map(\.opType) == ["QuantizeLinear", "ByteTable", "DequantizeLinear"],
      "\(graph.nodes.map(\.opType))")
    let after = try ReferenceInterpreter(graph, registry: .standard).run(sketch.feed)
    for (name, expected) in before {
      let found = try #require(after[name])
      #expect(zip(found.floats, expected.floats).allSatisfy { abs($0 - $1) < 0.014 })
    }
  }

  /// A function of one number moves in and computes the same, whether kernels know it or not.
  @Test(arguments: functions)
  func everyActivationMovesIn(opType: String) throws {
    for hasResidual in [false, true] {
      let sketch = Sketch.of { net in
        let y = net.node(opType, [net.convolution("x")])
        net.output(hasResidual ? net.node("Add", [y, "x"]) : y)
      }
      var graph = try sketch.typed()
      let before = try ReferenceInterpreter(graph, registry: .standard).run(sketch.feed)
      for pass in StandardRewrites.inference { try pass.run(on: &graph, registry: .standard) }
      #expect(graph.nodes.first?.opType == "FusedConv" && graph.nodes.count <= 2)
      if !hasResidual { #expect(graph.nodes.count == 1) }
      let after = try ReferenceInterpreter(graph, registry: .standard).run(sketch.feed)
      for (name, expected) in before {
        let found = try #require(after[name])
        #expect(normalizedMaxError(found.doubles, expected.doubles) <= Tolerance.fastMath.bound)
      }
    }
  }

  /// The whole list on a residual block: everything ends up in the convolutions.
  @Test func aResidualBlockBecomesItsConvolutions() throws {
    let sketch = Sketch.of { net in
      let a = net.node("Relu", [net.normalization(net.convolution("x", hasBias: false))])
      let gate = net.normalization(net.convolution(a, size: 1))
      let b = net.node("Mul", [gate, net.node("Sigmoid", [gate])])
      let c = net.normalization(net.convolution(b))
      net.output(net.node("Relu", [net.node("Add", [a, c])]))
    }
    let session = try Session(
      sketch.graph, registry: .standard,
      options: SessionOptions(passes: StandardRewrites.inference))
    #expect(session.graph.nodes.map(\.opType) == ["FusedConv", "FusedConv", "FusedConv"])
    #expect(try SessionCheck(graph: sketch.graph, feed: sketch.feed).problem() == nil)
  }
}

extension RewriteCase {
  private static let folding = "fold batch normalisation"
  private static let affine = "fold channel scales and shifts"
  private static let padding = "fold padding into convolutions"
  private static let silu = "fuse SiLU"
  private static let activation = "fuse activations into convolutions"
  private static let residual = "fuse residual additions into convolutions"
  private static let identities = "remove identities"

  static let all = normalization + affines + pads + activations + residuals + removals

  private static let normalization = [
    RewriteCase("normalisation folds", folding, ["Conv": 1]) { net in
      net.output(net.normalization(net.convolution("x", hasBias: false)))
    },
    RewriteCase("two normalisations fold into one convolution", folding, ["Conv": 1]) { net in
      net.output(net.normalization(net.normalization(net.convolution("x"))))
    },
    RewriteCase("grouped convolution folds", folding, ["Conv": 1]) { net in
      let w = net.weights([4, 1, 3, 3])
      let y = net.node("Conv", ["x", w], ["group": .int(4), "pads": .ints([1, 1, 1, 1])])
      net.output(net.normalization(y))
    },
    RewriteCase("transposed convolution folds", folding, ["ConvTranspose": 1]) { net in
      net.output(net.normalization(net.node("ConvTranspose", ["x", net.weights([4, 4, 2, 2])])))
    },
    RewriteCase(
      "shared weights are not scaled for both", folding, ["Conv": 2]
    ) { net in
      let w = net.weights([4, 4, 1, 1])
      let (a, b) = (net.node("Conv", ["x", w]), net.node("Conv", ["x", w]))
      net.output(net.normalization(a), b)
    },
    RewriteCase(
      "a convolution others read stays", folding, ["Conv": 1, "BatchNormalization": 1, "Relu": 1]
    ) { net in
      let y = net.convolution("x")
      net.output(net.normalization(y), net.node("Relu", [y]))
    },
    RewriteCase(
      "a convolution that is an output stays", folding, ["Conv": 1, "BatchNormalization": 1]
    ) { net in
      let y = net.convolution("x")
      net.output(y, net.normalization(y))
    },
    RewriteCase(
      "normalisation of something else stays", folding, ["Relu": 1, "BatchNormalization": 1]
    ) { net in net.output(net.normalization(net.node("Relu", ["x"]))) },
    RewriteCase(
      "computed weights stay", folding, ["Conv": 1, "BatchNormalization": 1, "Neg": 1]
    ) { net in
      let w = net.node("Neg", [net.weights([4, 4, 1, 1])])
      net.output(net.normalization(net.node("Conv", ["x", w])))
    },
  ]

  private static let affines = [
    RewriteCase("scale and shift fold", affine, ["Conv": 1]) { net in
      let y = net.node("Mul", [net.convolution("x"), net.weights([4, 1, 1])])
      net.output(net.node("Add", [net.weights([1, 4, 1, 1]), y]))
    },
    RewriteCase("one number folds", affine, ["Conv": 1]) { net in
      net.output(net.node("Mul", [net.convolution("x"), net.constant(Tensor(scalar: Float(3)))]))
    },
    RewriteCase("a factor along the width stays", affine, ["Conv": 1, "Mul": 1]) { net in
      net.output(net.node("Mul", [net.convolution("x"), net.weights([6])]))
    },
    RewriteCase("a factor that widens the batch stays", affine, ["Conv": 1, "Mul": 1]) { net in
      net.output(net.node("Mul", [net.convolution("x"), net.weights([2, 1, 1, 1])]))
    },
    RewriteCase("an output before the shift stays", affine, ["Conv": 1, "Add": 1]) { net in
      let y = net.convolution("x")
      net.output(y, net.node("Add", [y, net.weights([4, 1, 1])]))
    },
  ]

  private static func padded(
    _ amounts: [Int64], _ value: Float, readAgain: Bool = false, _ net: inout Sketch
  ) {
    let y = net.node(
      "Pad",
      ["x", net.constant(Tensor(amounts)), net.constant(Tensor(scalar: value))])
    net.output(net.node("Conv", [y, net.weights([4, amounts[1] > 0 ? 5 : 4, 3, 3])]))
    if readAgain { net.output(net.node("Relu", [y])) }
  }

  private static let pads = [
    RewriteCase("zeros fold", padding, ["Conv": 1]) { padded([0, 0, 1, 2, 0, 0, 0, 1], 0, &$0) },
    RewriteCase("ones stay", padding, ["Conv": 1, "Pad": 1]) {
      padded([0, 0, 1, 1, 0, 0, 1, 1], 1, &$0)
    },
    RewriteCase("padded channels stay", padding, ["Conv": 1, "Pad": 1]) {
      padded([0, 1, 0, 0, 0, 0, 0, 0], 0, &$0)
    },
    RewriteCase("cropping stays", padding, ["Conv": 1, "Pad": 1]) {
      padded([0, 0, -1, 0, 0, 0, 0, 0], 0, &$0)
    },
    RewriteCase("a padded image others read stays", padding, ["Conv": 1, "Pad": 1, "Relu": 1]) {
      padded([0, 0, 1, 1, 0, 0, 1, 1], 0, readAgain: true, &$0)
    },
    RewriteCase("padding of a same-sized convolution stays", padding, ["Conv": 1, "Pad": 1]) {
      let amounts = Tensor([0, 0, 1, 1, 0, 0, 1, 1] as [Int64])
      let y = $0.node("Pad", ["x", $0.constant(amounts)])
      $0.output(
        $0.node("Conv", [y, $0.weights([4, 4, 3, 3])], ["auto_pad": .string("SAME_UPPER")]))
    },
  ]

  private static let activations = [
    RewriteCase("x times its sigmoid", silu, ["Swish": 1]) { net in
      net.output(net.node("Mul", [net.node("Sigmoid", ["x"]), "x"]))
    },
    RewriteCase("a gate of something else stays", silu, ["Mul": 1, "Sigmoid": 1, "Relu": 1]) {
      $0.output($0.node("Mul", [$0.node("Relu", ["x"]), $0.node("Sigmoid", ["x"])]))
    },
    RewriteCase("a gate that is an output stays", silu, ["Mul": 1, "Sigmoid": 1]) { net in
      let gate = net.node("Sigmoid", ["x"])
      net.output(gate, net.node("Mul", ["x", gate]))
    },
    RewriteCase("an activation moves in", activation, ["FusedConv": 1]) { net in
      net.output(net.node("LeakyRelu", [net.convolution("x")], ["alpha": .float(0.3)]))
    },
    RewriteCase("only one activation moves in", activation, ["FusedConv": 1, "Sigmoid": 1]) {
      $0.output($0.node("Sigmoid", [$0.node("Relu", [$0.convolution("x")])]))
    },
    RewriteCase("ReLU6 moves in", activation, ["FusedConv": 1]) { net in
      let bounds = [net.constant(Tensor(scalar: Float(0))), net.constant(Tensor(scalar: Float(6)))]
      net.output(net.node("Clip", [net.convolution("x")] + bounds))
    },
    RewriteCase("computed bounds stay", activation, ["Conv": 1, "Clip": 1, "ReduceMin": 1]) {
      let lowest = $0.node("ReduceMin", ["x"], ["keepdims": .int(0)])
      $0.output($0.node("Clip", [$0.convolution("x"), lowest]))
    },
    RewriteCase("a sum others read stays", activation, ["Conv": 1, "Relu": 1, "Abs": 1]) { net in
      let y = net.convolution("x")
      net.output(net.node("Relu", [y]), net.node("Abs", [y]))
    },
    RewriteCase("a sum that is an output stays", activation, ["Conv": 1, "Relu": 1]) { net in
      let y = net.convolution("x")
      net.output(net.node("Relu", [y]), y)
    },
  ]

  private static let residuals = [
    RewriteCase(
      "the later of two convolutions takes the sum", residual, ["FusedConv": 1, "Conv": 1]
    ) {
      $0.output($0.node("Add", [$0.convolution("x"), $0.convolution("x")]))
    },
    RewriteCase("the input is a residual", residual, ["FusedConv": 1]) { net in
      net.output(net.node("Add", ["x", net.convolution("x")]))
    },
    RewriteCase("a broadcast summand stays", residual, ["Conv": 1, "Add": 1, "ReduceMax": 1]) {
      let peak = $0.node("ReduceMax", ["x"], ["axes": .ints([2, 3])])
      $0.output($0.node("Add", [$0.convolution("x"), peak]))
    },
    RewriteCase("a doubled convolution stays", residual, ["Conv": 1, "Add": 1]) { net in
      let y = net.convolution("x")
      net.output(net.node("Add", [y, y]))
    },
    RewriteCase("a summand others read stays", residual, ["Conv": 1, "Add": 1, "Relu": 1]) {
      let y = $0.convolution("x")
      $0.output($0.node("Add", [y, "x"]), $0.node("Relu", [y]))
    },
  ]

  private static let removals = [
    RewriteCase("identities go", identities, ["Relu": 1]) { net in
      net.output(net.node("Relu", [net.node("Dropout", [net.node("Identity", ["x"])])]))
    },
    RewriteCase("an identity that is an output stays", identities, ["Relu": 1, "Identity": 1]) {
      $0.output($0.node("Identity", [$0.node("Relu", ["x"])]))
    },
    RewriteCase("a dropout whose mask is wanted stays", identities, ["Dropout": 1, "Relu": 1]) {
      let y = $0.node("Dropout", ["x"], outputs: ["kept", "mask"])
      $0.output($0.node("Relu", [y]), "mask")
    },
  ]
}
