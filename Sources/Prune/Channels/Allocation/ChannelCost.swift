import Execution
import GraphIR

/// What the layers of a coupling cost, as a function of the channels that are left.
///
/// A layer costs in proportion to its input channels times its output channels, a depthwise
/// convolution in proportion to its channels.
package struct ChannelCost: Sendable {
  /// One layer.
  package struct Layer: Sendable {
    /// Its cost when it is whole, as a share of the network's.
    package var cost: Double
    /// Its inputs and its outputs, in ``ChannelCost/sides``.
    package var sides: [Int] = []
  }

  /// The inputs or the outputs of a layer.
  package struct Side: Sendable {
    /// The layer, in ``ChannelCost/nodes``.
    package var node: Int
    /// The group of each channel.
    package var groups: [Int?]
    /// The number of channels.
    package var total: Int { groups.count }
  }

  /// The layers.
  package private(set) var nodes: [Layer] = []
  /// Their inputs and outputs.
  package private(set) var sides: [Side] = []

  /// The quantity that is counted.
  package enum Quantity { case macs, parameters }

  /// The cost of a coupling's layers.
  ///
  /// - Throws: what counting throws.
  package init(_ coupling: ChannelCoupling, counting quantity: Quantity, engine: Engine) throws {
    let counted = try engine.cost(of: coupling.graph)
    let whole = Double(max(quantity == .macs ? counted.macs : counted.parameters, 1))
    let known = Dictionary(
      counted.nodes.map { ($0.name, quantity == .macs ? $0.macs : $0.parameters) },
      uniquingKeysWith: { first, _ in first })
    var places: [Int: Int] = [:]
    func add(_ index: Int, _ groups: [Int?]) {
      let place = places[index] ?? nodes.count
      if place == nodes.count {
        places[index] = place
        let node = coupling.graph.nodes[index]
        let count = known[node.name.isEmpty ? node.outputs[0] : node.name] ?? 0
        nodes.append(Layer(cost: Double(count) / whole))
      }
      nodes[place].sides.append(sides.count)
      sides.append(Side(node: place, groups: groups))
    }
    for producer in coupling.producers { add(producer.node, producer.groups) }
    for consumer in coupling.consumers { add(consumer.node, consumer.groups) }
    for depthwise in coupling.depthwise { add(depthwise.node, depthwise.groups) }
  }
}
