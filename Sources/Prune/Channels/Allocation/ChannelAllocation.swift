/// How a cut is distributed over the layers.
public struct ChannelAllocation: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// The groups to remove at a strength from 0 to 1; a larger strength removes more.
  public var choose: @Sendable (ChannelBlocks, _ strength: Double) -> Set<Int>

  /// The allocations that need nothing but scores.
  public static let all: [ChannelAllocation] = [.uniform, .global]

  /// The kinds of allocations.
  public enum Kind: String, CaseIterable, Codable, Sendable {
    /// The same fraction of each layer.
    case uniform
    /// The lowest scores of all layers.
    case global
    /// As much of each layer as does the same damage, by curves that were measured.
    case sensitivity
    /// The least sum of damages that are measured first, for what it saves.
    case measured
  }

  /// The allocation with a name.
  public static func named(_ name: String) -> ChannelAllocation? { all.first { $0.name == name } }

  /// The allocation of a kind; `nil` for those that need curves.
  public static func of(_ kind: Kind) -> ChannelAllocation? { named(kind.rawValue) }
}

/// Groups with the same producers, with their scores.
///
/// A cut is distributed over these blocks.
public struct ChannelBlocks: Sendable {
  /// The groups of each block, the least important first.
  public var blocks: [[Int]]
  /// The score of each group.
  public var scores: [Double]
  /// The producers of each block.
  public var producers: [[Int]]

  /// The blocks of a coupling; groups without a score are left out.
  public init(_ coupling: ChannelCoupling, scores: [Double]) {
    var places: [[Int]: Int] = [:]
    blocks = []
    producers = []
    for (index, group) in coupling.groups.enumerated() where scores[index].isFinite {
      let makers = Array(Set(group.members.map(\.producer))).sorted()
      if let place = places[makers] {
        blocks[place].append(index)
      } else {
        places[makers] = blocks.count
        blocks.append([index])
        producers.append(makers)
      }
    }
    for index in blocks.indices {
      blocks[index].sort { (scores[$0], $0) < (scores[$1], $1) }
    }
    self.scores = scores
  }
}
