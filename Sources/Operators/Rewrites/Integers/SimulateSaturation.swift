import GraphIR

/// Makes integer convolutions saturate as those of CPUs without VNNI do; see `IntegerConvolution`.
///
/// Comes after the rewrites of inference. For finding out what that costs, not for speed.
public struct SimulateSaturation: GraphPass {
  /// What the pass does.
  public let name = "simulate saturation"

  /// The pass.
  public init() {}

  /// The attribute that a saturating node has.
  static let attribute = "saturates"

  /// Marks every integer convolution.
  public func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let kinds: Set<String> = [
      "QLinearConv", "compress.FusedQLinearConv", "compress.DequantizedConv",
    ]
    for index in graph.nodes.indices where kinds.contains(graph.nodes[index].qualifiedType) {
      graph.nodes[index].attributes[Self.attribute] = .int(1)
    }
  }
}
