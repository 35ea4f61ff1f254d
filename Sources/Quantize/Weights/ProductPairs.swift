import GraphIR
import Tensors

/// The order in which CPUs without VNNI add a layer's products of bytes: in pairs whose sums
/// saturate at 16 bits (`vpmaddubsw`), as ONNX Runtime's kernels for AVX2 do.
///
/// The depth of a convolution runs over its taps and, within a tap, over the group's input
/// channels; that of a matrix product over the rows of the weights. Depthwise convolutions are
/// multiplied in 16 bits there, and transposed ones run on floats.
public struct ProductPairs: Sendable {
  /// Where each weight of an output channel lies, in the order of the products, counted from the
  /// channel's first.
  private let depth: [Int]
  /// The distance of two output channels.
  private let stride: Int
  /// The number of output channels.
  let channels: Int

  /// The pairs of a layer; `nil` where none saturate.
  ///
  /// - Parameter shape: The shape of the weights.
  public init?(_ rules: any WeightedOperator, slot: WeightSlot, shape: [Int]) {
    let axis = slot.outputAxis < 0 ? slot.outputAxis + shape.count : slot.outputAxis
    guard shape.indices.contains(axis), shape.count >= 2 else { return nil }
    channels = shape[axis]
    switch rules.arithmetic {
    case .convolution(let groups, let isTransposed):
      let (inputs, taps) = (shape[1], shape[2...].reduce(1, *))
      guard axis == 0, !isTransposed, groups == 1 || inputs > 1 else { return nil }
      stride = inputs * taps
      depth = (0..<taps).flatMap { tap in (0..<inputs).map { $0 * taps + tap } }
    case .product:
      guard shape.count == 2 else { return nil }
      let other = 1 - axis
      stride = axis == 0 ? shape[1] : 1
      depth = (0..<shape[other]).map { $0 * (other == 0 ? shape[1] : 1) }
    }
  }

  /// The largest sum of a pair of one sign in a channel, as a magnitude.
  func largest<Number: SignedNumeric & Comparable>(
    _ channel: Int, of weights: UnsafeBufferPointer<Number>
  ) -> Number {
    var largest = Number.zero
    for place in Swift.stride(from: 0, to: depth.count, by: 2) {
      let first = weights[channel * stride + depth[place]]
      let second = place + 1 < depth.count ? weights[channel * stride + depth[place + 1]] : .zero
      let up = max(first, .zero) + max(second, .zero)
      let down = min(first, .zero) + min(second, .zero)
      largest = max(largest, max(up, -down))
    }
    return largest
  }

  /// The largest sum of a pair of weights whose products with bytes up to a value fit 16 bits.
  static func limit(activations: Int32) -> Int32 { Int32(Int16.max) / activations }

  /// The layers of a quantised network in which a pair may saturate, by first output.
  ///
  /// - Parameter graph: A network with DequantizeLinear before weights, or of `QLinearConv`.
  public static func saturating(in graph: Graph, registry: OperatorRegistry) -> [String] {
    let makers = Dictionary(
      graph.nodes.flatMap { node in node.outputs.map { ($0, node) } },
      uniquingKeysWith: { first, _ in first })
    let limit = Int(limit(activations: 255))
    return graph.nodes.filter { node in
      guard let rules = registry.weighted(node, in: graph) else { return false }
      return rules.weightSlots.contains { slot in
        let name = node.inputs.indices.contains(slot.input) ? node.inputs[slot.input] : ""
        let maker = makers[name]?.opType == "DequantizeLinear" ? makers[name]?.inputs[0] : name
        guard let tensor = graph.initializers[maker ?? ""]?.tensor, tensor.elementType == .int8,
          let pairs = ProductPairs(rules, slot: slot, shape: tensor.shape)
        else { return false }
        let whole = tensor.elements(as: Int8.self).map { Int($0) }
        return whole.withUnsafeBufferPointer { weights in
          (0..<pairs.channels).contains { pairs.largest($0, of: weights) > limit }
        }
      }
    }.compactMap(\.outputs.first)
  }
}
