import Foundation

/// A way to damage a file.
public enum Mutation: String, CaseIterable, Sendable {
  /// One to eight bits.
  case bitFlips
  /// The end missing.
  case truncation
  /// A piece copied over, or into, another place.
  case splice
  /// A byte replaced by a large number, as a length field would be: 1 to 10 bytes of a varint, or 8
  /// of an integer.
  case inflatedLength

  /// A damaged copy; bytes before `start` stay.
  public func apply(
    to data: Data, from start: Int = 0, using random: inout SplitMix64
  ) -> Data {
    guard data.count > start else { return data }
    var copy = [UInt8](data)
    func place() -> Int { Int.random(in: start..<copy.count, using: &random) }
    switch self {
    case .bitFlips:
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        copy[place()] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    case .truncation: copy.removeSubrange(place()...)
    case .splice:
      let first = place()
      let piece = copy[first..<min(copy.count, first + Int.random(in: 1...64, using: &random))]
      let target = place()
      let end = Bool.random(using: &random) ? min(copy.count, target + piece.count) : target
      copy.replaceSubrange(target..<end, with: Array(piece))
    case .inflatedLength:
      let target = place()
      if Bool.random(using: &random) {
        let length = Int.random(in: 1...9, using: &random)
        let number =
          [UInt8](repeating: 0xff, count: length) + [UInt8.random(in: 0...0x7f, using: &random)]
        copy.replaceSubrange(target..<target + 1, with: number)
      } else {
        let width = min([1, 2, 4, 8].randomElement(using: &random) ?? 1, copy.count - target)
        let byte: UInt8 = Bool.random(using: &random) ? 0xff : 0x7f
        for offset in 0..<width { copy[target + offset] = byte }
      }
    }
    return Data(copy)
  }
}
