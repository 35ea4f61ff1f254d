/// Which labels must be removed together, and which have to stay: a union–find forest.
struct ChannelLabels {
  private var parents: [Int32] = [LabelTensor.none]
  private var reasons: [Int32: FreezeReason] = [:]

  /// New labels, each in a group of its own.
  mutating func make(_ count: Int) -> [Int32] {
    let first = Int32(parents.count)
    let labels = (0..<Int32(count)).map { first + $0 }
    parents += labels
    return labels
  }

  /// The number of labels, including the one for values without channels.
  var count: Int { parents.count }

  /// The label that stands for a group.
  func root(_ label: Int32) -> Int32 {
    var label = label
    while parents[Int(label)] != label { label = parents[Int(label)] }
    return label
  }

  /// Unites two labels.
  ///
  /// A label that is united with the one for no channel has to stay.
  mutating func unite(_ a: Int32, _ b: Int32, because reason: @autoclosure () -> FreezeReason) {
    if a == b { return }
    if a == LabelTensor.none { return freeze(b, because: reason()) }
    if b == LabelTensor.none { return freeze(a, because: reason()) }
    let (a, b) = (compressedRoot(a), compressedRoot(b))
    guard a != b else { return }
    let (low, high) = (min(a, b), max(a, b))
    parents[Int(high)] = low
    if let reason = reasons.removeValue(forKey: high), reasons[low] == nil { reasons[low] = reason }
  }

  private mutating func compressedRoot(_ label: Int32) -> Int32 {
    let root = root(label)
    var label = label
    while parents[Int(label)] != root {
      let next = parents[Int(label)]
      parents[Int(label)] = root
      label = next
    }
    return root
  }

  /// Makes the group of a label stay.
  mutating func freeze(_ label: Int32, because reason: FreezeReason) {
    guard label != LabelTensor.none else { return }
    let root = root(label)
    if reasons[root] == nil { reasons[root] = reason }
  }

  /// Why the group of a label has to stay, `nil` when it may go.
  func reason(_ label: Int32) -> FreezeReason? { reasons[root(label)] }
}

/// Why channels cannot be removed.
public struct FreezeReason: Codable, Sendable, Hashable {
  /// The kind of an obstacle.
  public enum Kind: String, Codable, Sendable {
    case graphOutput = "they reach a graph output"
    case opaque = "an operator without channel rules reads them"
    case mixed = "an operator mixes all channels"
    case broadcast = "one channel is spread over many"
    case unlabelled = "they meet values that are no channels"
    case layout = "their order cannot be expressed when some are missing"
    case excluded = "excluded"
  }

  /// The obstacle.
  public var kind: Kind
  /// The node or value of the obstacle.
  public var place: String

  /// An obstacle at a place.
  public init(_ kind: Kind, at place: String) { (self.kind, self.place) = (kind, place) }
}
