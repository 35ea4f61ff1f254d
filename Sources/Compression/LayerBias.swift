import GraphIR
import Tensors

extension Node {
  /// Whether weights and bias can be fitted to responses as they stand: not where a `Gemm`
  /// multiplies them by α or β.
  public var hasPlainWeights: Bool {
    qualifiedType != "Gemm"
      || ["alpha", "beta"].allSatisfy { (try? attributes.float($0, default: 1)) == 1 }
  }
}

/// What a layer adds to its output channels.
public enum LayerBias: Sendable, Equatable {
  /// Nothing.
  case none
  /// These constants, one a channel; of a `Gemm` with β multiplied in.
  case constant([Float])
  /// What the network computes as it runs, or what differs between positions of a channel.
  case other

  /// The bias of a node: input 2 of `Conv`, `ConvTranspose` and `Gemm`, broadcast to all channels.
  ///
  /// - Parameters:
  ///   - channels: How many output channels the node has.
  ///   - constant: The constants of the graph by name.
  public init(_ node: Node, channels: Int, constant: (String) -> Tensor?) {
    guard ["Conv", "ConvTranspose", "Gemm"].contains(node.qualifiedType), node.inputs.count > 2,
      !node.inputs[2].isEmpty
    else {
      self = .none
      return
    }
    guard let values = constant(node.inputs[2])?.numbers(along: 1, count: channels),
      let beta = try? node.attributes.float("beta", default: 1)
    else {
      self = .other
      return
    }
    self = .constant(
      node.opType == "Gemm" && beta != 1 ? values.map { beta * $0 } : values)
  }

  /// The constants, zeros where nothing is added; `nil` for what is no constant.
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
