import Execution
import GraphIR
import Tensors

/// Checks a surgery: the graph that is left computes what the whole one does whose readers see zeros in place of the
/// removed channels.
///
/// The whole graph gets a multiplication by 0 and 1 in front of every weighted node that reads removed channels, made from
/// the traced labels alone; nothing of the surgery enters it.
public struct ChannelProof: Codable, Sendable, Equatable {
  /// The largest difference of each output, in parts of the output's largest absolute value.
  public var errors: [String: Double]
  /// The images that both graphs saw.
  public var images: Int

  /// The largest of all differences.
  public var largestError: Double { errors.values.max() ?? 0 }
  /// Differences up to this are rounding.
  public static let bound = 1e-4
  /// Whether the surgery did what it should.
  public var holds: Bool { largestError <= Self.bound }

  /// The whole graph with removed channels silenced where they are read.
  ///
  /// - Parameter weights: New values for constants, as the surgery had them.
  static func silenced(
    _ coupling: ChannelCoupling, removing removed: Set<Int>, weights: [String: Tensor] = [:]
  ) -> Graph {
    var graph = coupling.graph
    for (name, tensor) in weights { graph.setConstant(name, tensor) }
    let links = Connectivity(graph)
    var masks: [(node: Int, mask: Node)] = []
    for consumer in coupling.consumers {
      let stays = consumer.groups.map { $0.map { !removed.contains($0) } ?? true }
      guard stays.contains(false) else { continue }
      let (node, input) = (consumer.node, consumer.input)
      // Whole numbers are silenced before they are quantised, where zero is zero.
      let maker = links.producer[graph.nodes[node].inputs[input]].map { graph.nodes[$0] }
      if maker?.qualifiedType == "DynamicQuantizeLinear" { continue }
      let source = graph.nodes[node].inputs[input]
      let name = graph.freshName("silenced/\(node)/\(input)")
      graph[constant: "\(name)/mask"] = Tensor(
        stays.map { $0 ? 1 : 0 as Float },
        shape: [stays.count] + [Int](repeating: 1, count: consumer.axisFromEnd - 1))
      graph.nodes[node].inputs[input] = name
      masks.append((node, Node("Mul", inputs: [source, "\(name)/mask"], outputs: [name])))
    }
    for (node, mask) in masks.sorted(by: { $0.node > $1.node }) {
      graph.nodes.insert(mask, at: node)
    }
    return graph
  }

  /// Runs both graphs on the same inputs.
  ///
  /// - Parameter feeds: Values for the inputs, once for each run.
  /// - Throws: what sessions throw.
  public init(
    _ cut: ChannelCut, registry: OperatorRegistry, options: SessionOptions,
    feeds: [[String: Tensor]]
  ) throws {
    let whole = try Session(cut.silenced, registry: registry, options: options)
    let left = try Session(cut.graph, registry: registry, options: options)
    errors = [:]
    images = feeds.count
    for feed in feeds {
      let (expected, found) = (try whole.run(feed), try left.run(feed))
      for (name, value) in expected {
        guard let other = found[name], other.type == value.type else {
          errors[name] = .infinity
          continue
        }
        errors[name] = max(errors[name] ?? 0, Self.difference(value.doubles, other.doubles))
      }
    }
  }

  private static func difference(_ a: [Double], _ b: [Double]) -> Double {
    let scale = a.reduce(0) { max($0, $1.magnitude) }
    let largest = zip(a, b).reduce(0) { largest, pair in
      // What is not a number on one side only is as far apart as can be.
      pair.0.isNaN != pair.1.isNaN ? .infinity : max(largest, (pair.0 - pair.1).magnitude)
    }
    return scale > 0 ? largest / scale : largest
  }
}

extension Graph {
  /// Sets a constant, whether an initializer or a `Constant` node holds it; one that nodes compute becomes an initializer.
  mutating func setConstant(_ name: String, _ tensor: Tensor) {
    if initializers[name] != nil {
      self[constant: name] = tensor
    } else if let node = nodes.firstIndex(where: { $0.outputs.first == name }),
      nodes[node].constantTensor != nil
    {
      nodes[node].attributes["value"] = .tensor(tensor)
    } else {
      let fresh = freshName("\(name)/kept")
      replaceUses(of: name, with: fresh)
      self[constant: fresh] = tensor
    }
  }
}
