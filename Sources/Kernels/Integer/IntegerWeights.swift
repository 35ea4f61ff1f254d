import CKernels

/// The weights of an integer convolution in the order that its blocks read them.
///
/// A step is four channels under one tap. Where the kernels add the products of pairs within 16
/// bits, pairs whose weights could exceed them are halved, `w = ⌊w / 2⌋ + ⌈w / 2⌉`; the second
/// halves are a rest that is multiplied row by row, so that sums stay exact.
struct IntegerWeights: @unchecked Sendable {
  /// `[group, block, step, row, channel of four]`, zero where there are none.
  private let packed: PackedBytes
  private let blockBytes: Int
  /// `[group, block, row]`: the rests of rows, which point into the other two; `nil` where no pair
  /// was halved.
  private let rests: (rows: PackedBytes, offsets: PackedBytes, weights: PackedBytes)?

  private static let rows = IntegerConvolution.rows

  init(
    _ weights: [Int8], _ geometry: ConvolutionGeometry, _ layout: IntegerLayout,
    pairsSaturate: Bool
  ) {
    let channels = geometry.inputChannels / geometry.groups
    let taps = geometry.kernelHeight * geometry.kernelWidth
    let rowsPerGroup = geometry.outputChannels / geometry.groups
    let steps = layout.offsets.count
    blockBytes = steps * Self.rows * 4
    packed = PackedBytes(count: geometry.groups * layout.blocks * blockBytes)
    var (offsets, halves, counts): ([Int], [Int8], [Int]) = ([], [], [])
    for group in 0..<geometry.groups {
      for row in 0..<layout.blocks * Self.rows {
        let block = packed.base + (group * layout.blocks + row / Self.rows) * blockBytes
        let first = offsets.count
        for step in 0..<steps where row < rowsPerGroup {
          let (four, tap) = step.quotientAndRemainder(dividingBy: taps)
          var quad = SIMD4<Int8>()
          for channel in 4 * four..<min(4 * four + 4, channels) {
            quad[channel % 4] =
              weights[((group * rowsPerGroup + row) * channels + channel) * taps + tap]
          }
          if pairsSaturate, let rest = Self.halve(&quad) {
            offsets.append(layout.offsets[step])
            halves += (0..<4).map { rest[$0] }
          }
          for channel in 0..<4 {
            (block + (step * Self.rows + row % Self.rows) * 4 + channel).storeBytes(
              of: quad[channel], as: Int8.self)
          }
        }
        counts.append(offsets.count - first)
      }
    }
    rests = offsets.isEmpty ? nil : Self.rests(offsets, halves, counts)
  }

  /// The rests of all rows, of which each takes the next `counts` steps.
  private static func rests(
    _ offsets: [Int], _ weights: [Int8], _ counts: [Int]
  ) -> (rows: PackedBytes, offsets: PackedBytes, weights: PackedBytes) {
    let (places, bytes) = (PackedBytes(copying: offsets), PackedBytes(copying: weights))
    var (first, rows): (Int, [ck_int8_rest]) = (0, [])
    for count in counts {
      rows.append(
        ck_int8_rest(
          offsets: places.base.assumingMemoryBound(to: Int.self) + first,
          weights: bytes.base.assumingMemoryBound(to: Int8.self) + 4 * first, steps: count))
      first += count
    }
    return (PackedBytes(copying: rows), places, bytes)
  }

  /// Has a call read the weights of a block, counted over all groups.
  func enter(_ block: Int, into call: inout ck_int8_block) {
    call.weights = UnsafePointer(
      (packed.base + block * blockBytes).assumingMemoryBound(to: Int8.self))
    call.rest = rests.map {
      UnsafePointer($0.rows.base.assumingMemoryBound(to: ck_int8_rest.self) + block * Self.rows)
    }
  }

  /// Halves the pairs whose weights of one sign add up to more than what the largest inputs keep
  /// within 16 bits.
  ///
  /// - Returns: The other halves; `nil` where there is nothing to halve.
  private static func halve(_ quad: inout SIMD4<Int8>) -> SIMD4<Int8>? {
    var rest = SIMD4<Int8>()
    for first in [0, 2] {
      let (a, b) = (Int(quad[first]), Int(quad[first + 1]))
      guard
        max(a, 0) + max(b, 0) > Int(CK_INT8_PAIR) || min(a, 0) + min(b, 0) < -Int(CK_INT8_PAIR)
      else { continue }
      for place in [first, first + 1] {
        rest[place] = quad[place] - quad[place] >> 1
        quad[place] >>= 1
      }
    }
    return rest == SIMD4() ? nil : rest
  }
}
