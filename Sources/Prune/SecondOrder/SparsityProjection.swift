import Tensors

/// Chooses the weights of a matrix that stay: those of largest magnitude that a pattern allows.
///
/// The matrix is `[outputs, channels · kernel]`, as ``PatchReader`` lays weights out.
package struct SparsityProjection: Sendable {
  /// Which weights become zero together.
  package let pattern: SparsityPattern
  /// How many weights stay, exactly or, with blocks, to within a block.
  ///
  /// N:M patterns ignore it, because they fix the number themselves.
  package let kept: Int
  private let outputs: Int
  private let channels: Int
  private let kernel: Int
  /// Flat indices of the weights of block *b*: `members[starts[b] ..< starts[b + 1]]`; empty
  /// without blocks.
  private var members: [Int32] = []
  private var starts: [Int32] = [0]

  /// A choice of `kept` weights.
  ///
  /// - Precondition: for N:M, M divides `channels`.
  package init(pattern: SparsityPattern, outputs: Int, channels: Int, kernel: Int, kept: Int) {
    (self.pattern, self.kept) = (pattern, kept)
    (self.outputs, self.channels, self.kernel) = (outputs, channels, kernel)
    if case .block(let rows, let columns) = pattern { layBlocks(rows, columns) }
    if case .keep(_, let group) = pattern { precondition(channels % group == 0) }
  }

  private mutating func layBlocks(_ rows: Int, _ columns: Int) {
    for output in stride(from: 0, to: outputs, by: rows) {
      for channel in stride(from: 0, to: channels, by: columns) {
        for tap in 0..<kernel {
          for row in output..<min(output + rows, outputs) {
            for column in channel..<min(channel + columns, channels) {
              members.append(Int32((row * channels + column) * kernel + tap))
            }
          }
          starts.append(Int32(members.count))
        }
      }
    }
  }

  /// Which weights stay, by their magnitudes; of equal ones the first.
  package func callAsFunction(_ values: [Float]) -> [Bool] {
    switch pattern {
    case .unstructured: return Self.largest(kept, of: values)
    case .keep(let count, let group): return largest(count, ofEvery: group, values)
    case .block: return blocks(values)
    }
  }

  private func largest(_ count: Int, ofEvery group: Int, _ values: [Float]) -> [Bool] {
    var stays = [Bool](repeating: false, count: values.count)
    for output in 0..<outputs {
      for first in stride(from: 0, to: channels, by: group) {
        for tap in 0..<kernel {
          let places = (0..<group).map { (output * channels + first + $0) * kernel + tap }
          let order = places.sorted {
            (-values[$0].magnitude, $0) < (-values[$1].magnitude, $1)
          }
          for place in order.prefix(count) { stays[place] = true }
        }
      }
    }
    return stays
  }

  private func blocks(_ values: [Float]) -> [Bool] {
    let count = starts.count - 1
    func range(_ block: Int) -> Range<Int> { Int(starts[block])..<Int(starts[block + 1]) }
    let scores = (0..<count).map { block in
      range(block).reduce(Float(0)) { sum, place in
        let value = values[Int(members[place])]
        return sum + value * value
      } / Float(range(block).count)
    }
    let order = (0..<count).sorted { (-scores[$0], $0) < (-scores[$1], $1) }
    var stays = [Bool](repeating: false, count: values.count)
    var left = kept
    for block in order {
      // Never more weights become zero than requested: the block that crosses the target stays.
      guard left > 0 else { break }
      for place in range(block) { stays[Int(members[place])] = true }
      left -= range(block).count
    }
    return stays
  }

  /// Marks the `count` largest magnitudes, found by counting bit patterns in two halves.
  private static func largest(_ count: Int, of values: [Float]) -> [Bool] {
    guard count > 0 else { return [Bool](repeating: false, count: values.count) }
    guard count < values.count else { return [Bool](repeating: true, count: values.count) }
    let bits = values.map { $0.magnitude.bitPattern }
    var left = count
    func threshold(_ part: (UInt32) -> Int?) -> Int {
      var counts = [Int](repeating: 0, count: 1 << 16)
      for value in bits {
        if let index = part(value) { counts[index] += 1 }
      }
      var index = counts.count - 1
      while index > 0, counts[index] < left {
        left -= counts[index]
        index -= 1
      }
      return index
    }
    let high = threshold { Int($0 >> 16) }
    let low = threshold { $0 >> 16 == UInt32(high) ? Int($0 & 0xffff) : nil }
    let bound = UInt32(high) << 16 | UInt32(low)
    return bits.map { value in
      if value != bound { return value > bound }
      left -= 1
      return left >= 0
    }
  }
}
