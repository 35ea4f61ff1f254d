import GraphIR
import Tensors

/// Which channels of a model are removed: chosen once, then printed, saved, compared or applied.
public struct ChannelPlan: Codable, Sendable, Equatable {
  /// One layer that makes channels.
  public struct CutLayer: Codable, Sendable, Equatable {
    /// The name of the constant that holds its weights.
    public var weight: String
    /// The node.
    public var layer: String
    /// Its channels.
    public var channels: Int
    /// The number of channels that cannot be removed.
    public var frozen: Int
    /// The channels that are removed, ascending.
    public var removed: [Int]
  }

  /// The version of this layout.
  public var schemaVersion = 1
  /// The unit of the plan, which distinguishes it from a plan for single weights.
  public var unit = "channel"
  /// The criterion's name.
  public var method: String
  /// The allocation's name.
  public var allocation: String
  /// The seed of the random numbers a criterion may draw.
  public var seed: UInt64
  /// What identifies the weights the plan was made for.
  public var fingerprint: String
  /// All layers with channels of their own, in order.
  public var layers: [CutLayer]

  /// Channels of all layers.
  public var channels: Int { layers.reduce(0) { $0 + $1.channels } }
  /// Removed channels of all layers.
  public var removedChannels: Int { layers.reduce(0) { $0 + $1.removed.count } }
  /// The fraction of the channels that is removed.
  public var channelRatio: Double {
    channels == 0 ? 0 : Double(removedChannels) / Double(channels)
  }

  /// The plan that removes groups of a coupling.
  public init(_ coupling: ChannelCoupling, removing removed: Set<Int>, request: ChannelRequest) {
    (method, allocation, seed) = (request.method, request.allocation.name, request.seed)
    fingerprint = coupling.fingerprint
    layers = coupling.producers.map { producer in
      CutLayer(
        weight: producer.weight, layer: producer.label, channels: producer.groups.count,
        frozen: producer.frozen.count,
        removed: producer.groups.indices.filter { channel in
          producer.groups[channel].map(removed.contains) ?? false
        })
    }
  }

  /// The groups of a coupling that the plan removes.
  ///
  /// - Throws: ``PruningError/otherModel(reason:)`` when the coupling is that of another model, or
  ///   the plan removes only a part of a group.
  public func groups(of coupling: ChannelCoupling) throws -> Set<Int> {
    guard layers.map(\.weight) == coupling.producers.map(\.weight) else {
      throw PruningError.otherModel(
        reason:
          "it names \(layers.count) layers, the model has \(coupling.producers.count), or they differ"
      )
    }
    guard fingerprint == coupling.fingerprint else {
      throw PruningError.otherModel(reason: "the weights have other values; make a new plan")
    }
    var groups: Set<Int> = []
    for (layer, producer) in zip(layers, coupling.producers) {
      guard layer.channels == producer.groups.count, 0...layer.channels ~= layer.frozen,
        Set(layer.removed).count == layer.removed.count
      else {
        throw PruningError.otherModel(
          reason: "'\(layer.weight)' has \(producer.groups.count) channels, the plan counts others")
      }
      for channel in layer.removed {
        guard producer.groups.indices.contains(channel), let group = producer.groups[channel] else {
          throw PruningError.otherModel(
            reason: "channel \(channel) of '\(layer.weight)' does not exist or cannot be removed")
        }
        groups.insert(group)
      }
    }
    for group in groups {
      for member in coupling.groups[group].members
      where !layers[member.producer].removed.contains(member.channel) {
        throw PruningError.otherModel(
          reason:
            "channel \(member.channel) of '\(layers[member.producer].weight)' has to go with others "
            + "that it removes")
      }
    }
    return groups
  }
}

extension ChannelCoupling {
  /// What identifies the weights of the layers.
  public var fingerprint: String {
    WeightFingerprint(
      producers.compactMap { producer in
        trace.typed.operands[producer.weight]?.constant.map { (producer.weight, $0) }
      }
    ).text
  }
}
