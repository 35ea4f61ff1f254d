/// A seeded source of random numbers whose n-th value depends on seed, stream and n alone: Philox
/// 2×64 with ten rounds.
///
/// Reference: Salmon et al., *Parallel Random Numbers: As Easy as 1, 2, 3*, SC 2011.
public struct CounterRandom: RandomNumberGenerator, Sendable {
  private let key: UInt64
  private let stream: UInt64
  private var counter: UInt64 = 0
  private var spare: UInt64?

  /// The sequence of a seed and stream; different streams of one seed are independent.
  public init(seed: UInt64, stream: UInt64 = 0) {
    key = seed
    self.stream = stream
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    if let value = spare {
      spare = nil
      return value
    }
    let (first, second) = Self.block(counter: counter, stream: stream, key: key)
    counter += 1
    spare = second
    return first
  }

  private static func block(counter: UInt64, stream: UInt64, key: UInt64) -> (UInt64, UInt64) {
    var (left, right, key) = (counter, stream, key)
    for _ in 0..<10 {
      let (high, low) = left.multipliedFullWidth(by: 0xd2b7_4407_b1ce_6e93)
      (left, right) = (high ^ key ^ right, low)
      key &+= 0x9e37_79b9_7f4a_7c15
    }
    return (left, right)
  }
}
