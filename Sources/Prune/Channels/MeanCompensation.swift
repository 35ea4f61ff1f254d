import GraphIR
import Tensors

/// Adds the mean contribution of removed channels to the layers that read them, so that only their
/// variation is lost.
///
/// A convolution or matrix product that read channel *c* loses the constant
/// `Σ_k W[o,c,k] · E[x_c]`. It is added to the bias, or subtracted from the running mean of a batch
/// normalisation right behind. At padded edges, where part of the kernel read zeros, the constant
/// is a little too large.
///
/// Reference: Ye et al., *Rethinking the Smaller-Norm-Less-Informative Assumption in Channel
/// Pruning*, ICLR 2018, arXiv:1802.00124, §4.3. The paper does this for channels of constant value;
/// here it is done for any, with measured means.
public struct MeanCompensation {
  /// New values of biases and running means.
  public private(set) var weights: [String: Tensor] = [:]
  /// Readers that have neither bias nor normalisation, by label.
  public private(set) var skipped: [String] = []
  private let coupling: ChannelCoupling
  private let links: Connectivity

  /// The compensation for some removed groups.
  public init(
    _ coupling: ChannelCoupling, removing removed: Set<Int>, activations: ChannelActivations
  ) {
    self.coupling = coupling
    links = Connectivity(coupling.graph)
    for (index, consumer) in coupling.consumers.enumerated() {
      let gone = consumer.groups.indices.filter {
        consumer.groups[$0].map(removed.contains) ?? false
      }
      guard !gone.isEmpty, consumer.weight != nil else { continue }
      let means = activations.consumers[index].mean
      guard let lost = response(consumer, gone, means), add(lost, to: consumer) else {
        skipped.append(consumer.label)
        continue
      }
    }
  }

  /// The constant that each output channel of a reader loses.
  private func response(
    _ consumer: ChannelCoupling.Consumer, _ gone: [Int], _ means: [Double]
  ) -> [Double]? {
    guard let name = consumer.weight,
      let weight = coupling.trace.typed.operands[name]?.constant,
      weight.elementType == .float32,
      let producer = coupling.producers.first(where: { $0.node == consumer.node }),
      producer.weightAxis != consumer.weightAxis
    else { return nil }
    let shape = weight.shape
    let strides = shape.contiguousStrides
    let values = weight.floats
    let rest = shape.indices.filter { $0 != consumer.weightAxis && $0 != producer.weightAxis }
      .reduce(into: [0]) { offsets, axis in
        offsets = offsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
      }
    let (inputs, outputs) = (shape[consumer.weightAxis], shape[producer.weightAxis])
    // In a grouped convolution an output reads only the input channels of its own group.
    let groups = max(consumer.convolutionGroups, 1)
    guard consumer.groups.count == inputs * (producer.weightAxis == 0 ? groups : 1) else {
      return nil
    }
    var lost = [Double](repeating: 0, count: producer.groups.count)
    let perGroup = (in: consumer.groups.count / groups, out: producer.groups.count / groups)
    for channel in gone {
      let group = channel / perGroup.in
      for output in 0..<perGroup.out {
        let row = producer.weightAxis == 0 ? group * perGroup.out + output : output
        let column = producer.weightAxis == 0 ? channel % perGroup.in : channel
        guard row < outputs, column < inputs else { return nil }
        let base = row * strides[producer.weightAxis] + column * strides[consumer.weightAxis]
        let sum = rest.reduce(0.0) { $0 + Double(values[base + $1]) }
        lost[group * perGroup.out + output] += sum * means[channel]
      }
    }
    return lost
  }

  /// Adds to the bias, or subtracts from the running mean behind; `false` when there is neither.
  private mutating func add(_ lost: [Double], to consumer: ChannelCoupling.Consumer) -> Bool {
    let graph = coupling.graph
    let node = graph.nodes[consumer.node]
    // A product answers α times what its weights say, and adds its bias β times.
    let factors = coupling.registry.weighted(node, in: graph)?.factors ?? .none
    let lost = lost.map { $0 * Double(factors.product) }
    if node.inputs.count > 2, !node.inputs[2].isEmpty, factors.bias != 0,
      change(node.inputs[2], by: lost.map { $0 / Double(factors.bias) })
    {
      return true
    }
    if let next = links.soleConsumer(of: node.outputs[0]),
      graph.nodes[next].qualifiedType == "BatchNormalization", graph.nodes[next].inputs.count == 5
    {
      return change(graph.nodes[next].inputs[3], by: lost.map { -$0 })
    }
    return false
  }

  private mutating func change(_ name: String, by amounts: [Double]) -> Bool {
    guard let known = weights[name] ?? coupling.trace.typed.operands[name]?.constant,
      known.count == amounts.count, let numbers = known.numbers(along: 1, count: amounts.count),
      links.consumers[name]?.count == 1
    else { return false }
    weights[name] = Tensor(
      zip(numbers, amounts).map { Float(Double($0) + $1) }, shape: known.shape)
    return true
  }
}
