import Prune

/// Which channels go together, as `inspect --groups` prints it.
struct CouplingTable: Encodable {
  /// One layer that makes channels.
  struct CoupledLayer: Encodable {
    var layer: String
    var weight: String
    var channels: Int
    /// Channels that may be removed.
    var removable: Int
    /// The layers whose channels go with this one's.
    var coupledWith: [String]
    /// Channels that stay, by the obstacle.
    var frozen: [Obstacle]
  }

  /// Channels that stay for one reason.
  struct Obstacle: Encodable {
    var channels: Int
    var reason: String
    var place: String
  }

  var channels: Int
  var frozen: Int
  /// Sets of channels that go together.
  var groups: Int
  var layers: [CoupledLayer]

  init(_ coupling: ChannelCoupling) {
    channels = coupling.channelCount
    frozen = coupling.producers.reduce(0) { $0 + $1.frozen.count }
    groups = coupling.groups.count
    layers = coupling.producers.enumerated().map { index, producer in
      var partners: Set<Int> = []
      for group in producer.groups.compactMap({ $0 }) {
        partners.formUnion(coupling.groups[group].members.map(\.producer))
      }
      partners.remove(index)
      let reasons = Dictionary(grouping: producer.frozen.values) { $0 }
      return CoupledLayer(
        layer: producer.label, weight: producer.weight, channels: producer.groups.count,
        removable: producer.groups.count { $0 != nil },
        coupledWith: partners.sorted().map { coupling.producers[$0].weight },
        frozen: reasons.map {
          Obstacle(channels: $0.value.count, reason: $0.key.kind.rawValue, place: $0.key.place)
        }.sorted { ($0.place, $0.reason) < ($1.place, $1.reason) })
    }
  }

  /// The table for people.
  var text: String {
    var table = Table([
      ("layer", .left), ("channels", .right), ("removable", .right), ("goes with", .left),
      ("stays because", .left),
    ])
    for layer in layers {
      let partners = layer.coupledWith.prefix(2).map { String($0.suffix(24)) }
      let more = layer.coupledWith.count > 2 ? [" and \(layer.coupledWith.count - 2) more"] : []
      table.append([
        String(layer.weight.suffix(36)), "\(layer.channels)", "\(layer.removable)",
        partners.joined(separator: ", ") + more.joined(),
        layer.frozen.map { "\($0.channels): \($0.reason) (\($0.place.suffix(32)))" }
          .joined(separator: "; "),
      ])
    }
    return table.text
      + "\n\(groups) groups of channels may be removed; \(frozen) of \(channels) channels stay."
  }
}
