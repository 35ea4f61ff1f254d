import GraphIR
import Tensors

/// An operator's node in a graph, as it is differentiated by its float32 inputs.
public struct DifferentiableSample: Sendable {
  /// The node, what a model stores as its constants, and its other operands as inputs.
  public var graph: Graph
  /// The values of the inputs, and of the variables.
  public var feed: [String: Tensor]
  /// The operands to differentiate by: those of float32 that are data, and always the first.
  public var variables: [String] = []
  /// The output to differentiate: the first of float32 whose elements are finite.
  public var output: String

  /// `nil` for a sample without such an input or output, or with empty ones.
  public init?(_ sample: OperatorGolden) {
    graph = sample.graph
    feed = [:]
    for (index, tensor) in sample.inputs.enumerated() {
      guard let tensor else { continue }
      guard tensor.count > 0 else { return nil }
      let name = "x\(index)"
      let isConstant = sample.constants.contains(index)
      if tensor.elementType == .float32, index == 0 || !isConstant {
        variables.append(name)
        feed[name] = tensor
      }
      if isConstant, !variables.contains(name) {
        graph.initializers[name] = Initializer(tensor)
      } else {
        graph.inputs.append(ValueInfo(name: name, type: ValueType(tensor.type)))
        feed[name] = tensor
      }
    }
    let smooth = zip(sample.node.outputs, sample.outputs)
      .filter { $1.elementType == .float32 && $1.floats.allSatisfy(\.isFinite) }
    guard let output = smooth.first?.0, !variables.isEmpty,
      sample.outputs.allSatisfy({ $0.count > 0 })
    else { return nil }
    self.output = output
    graph.outputs = sample.node.outputs.map { ValueInfo(name: $0, type: .undeclared) }
  }

  // MARK: Samples

  /// Operators that no golden case reaches with float32 data away from kinks and poles.
  public static let drawn = [
    "Acos", "Cast", "CastLike", "Compress", "HardSwish", "Reciprocal", "Swish",
  ]

  /// A sample of one of the ``drawn`` operators.
  public static func drawn(_ opType: String) -> OperatorGolden {
    var random = SplitMix64(seed: 3)
    let x = Tensor((0..<24).map { _ in Float.random(in: 0.2...0.8, using: &random) })
    var sample = OperatorGolden(
      name: opType,
      node: Node(
        opType, inputs: ["x0"], outputs: ["y0"],
        attributes: opType == "Cast" ? ["to": .int(1)] : [:]),
      opset: 24, inputs: [x], outputs: [x])
    if ["CastLike", "Compress"].contains(opType) {
      sample.node.inputs.append("x1")
      sample.constants = [1]
      sample.inputs.append(
        opType == "CastLike" ? Tensor(scalar: 1 as Float) : Tensor([true, false, true, true]))
    }
    return sample
  }

  /// A sample of the normalisation by statistics of the batch, which only training makes.
  public static func batchStatistics(batch: Int) -> OperatorGolden {
    var random = SplitMix64(seed: UInt64(batch))
    func tensor(_ shape: [Int], _ range: ClosedRange<Float>) -> Tensor {
      Tensor(
        (0..<shape.product).map { _ in Float.random(in: range, using: &random) }, shape: shape)
    }
    return OperatorGolden(
      name: "batch statistics of \(batch)",
      node: Node(
        "BatchStatisticsNormalization", domain: "compress", inputs: (0..<5).map { "x\($0)" },
        outputs: (0..<5).map { "y\($0)" }),
      opset: 1,
      inputs: [
        tensor([batch, 2, 3, 5], -2...2), tensor([2], 0.5...2), tensor([2], -1...1),
        tensor([2], -1...1), tensor([2], 0.5...1),
      ], constants: [3, 4], outputs: [tensor([batch, 2, 3, 5], 0...1)])
  }
}
