import GraphIR
import Tensors

/// The bias of a layer's output channels.
public enum LayerBias: Sendable, Equatable {
  /// Nothing.
  case none
  /// Constants, one for each channel. For a `Gemm`, β is multiplied in.
  case constant([Float])
  /// A bias that the network computes as it runs, or that differs between positions of a channel.
  case other

  /// The bias of a node, broadcast to all channels.
  ///
  /// - Parameters:
  ///   - rules: The node's rules, which name the input of the bias.
  ///   - channels: The number of the node's output channels.
  ///   - constant: The constants of the graph by name.
  public init(
    _ node: Node, _ rules: any WeightedOperator, channels: Int, constant: (String) -> Tensor?
  ) {
    guard let slot = rules.biasInput, node.inputs.count > slot, !node.inputs[slot].isEmpty else {
      self = .none
      return
    }
    guard let values = constant(node.inputs[slot])?.numbers(along: 1, count: channels) else {
      self = .other
      return
    }
    let beta = rules.factors.bias
    self = .constant(beta == 1 ? values : values.map { beta * $0 })
  }

  /// The constants, with zeros where nothing is added; `nil` for a bias that is not constant.
  public func values(_ channels: Int) -> [Float]? {
    switch self {
    case .none: Array(repeating: 0, count: channels)
    case .constant(let values): values
    case .other: nil
    }
  }

  /// The constants, `nil` where there are none.
  public var constants: [Float]? {
    if case .constant(let values) = self { values } else { nil }
  }
}
