import CKernels

/// The weights of an integer convolution in the order that its blocks read them.
///
/// A step is four channels under one tap. Where the kernels add the products of pairs within 16 bits, a step of a block whose weights
/// could exceed them is made two steps of half the weights each, `w = ⌊w / 2⌋ + ⌈w / 2⌉`, at the same inputs: the sum stays exact.
struct IntegerWeights: @unchecked Sendable {
  /// What one block of output channels reads.
  struct Block {
    /// Where its weights begin, in bytes.
    var start: Int
    /// Where the places of its inputs begin in ``offsets``.
    var firstOffset: Int
    var steps: Int
  }

  /// `[group, block, step, row, channel of four]`, zero where there are none.
  let packed: PackedBytes
  /// By group, then by block.
  let blocks: [Block]
  /// Where the inputs of steps lie, as ``IntegerLayout/offsets``; blocks without doubled steps share the first ones.
  let offsets: [Int]

  init(
    _ weights: [Int8], _ geometry: ConvolutionGeometry, _ layout: IntegerLayout,
    pairsSaturate: Bool
  ) {
    let channels = geometry.inputChannels / geometry.groups
    let taps = geometry.kernelHeight * geometry.kernelWidth
    let rowsPerGroup = geometry.outputChannels / geometry.groups
    let plainSteps = layout.offsets.count
    var bytes: [Int8] = []
    var blocks: [Block] = []
    var offsets = layout.offsets
    for group in 0..<geometry.groups {
      for block in 0..<layout.blocks {
        let start = bytes.count
        let rows = min(Self.rows, rowsPerGroup - block * Self.rows)
        let firstRow = group * rowsPerGroup + block * Self.rows
        var own: [Int] = []
        for step in 0..<plainSteps {
          let (four, tap) = step.quotientAndRemainder(dividingBy: taps)
          var quads = [Int8](repeating: 0, count: 4 * Self.rows)
          for row in 0..<rows {
            for channel in 4 * four..<min(4 * four + 4, channels) {
              quads[4 * row + channel % 4] =
                weights[((firstRow + row) * channels + channel) * taps + tap]
            }
          }
          own.append(layout.offsets[step])
          if pairsSaturate, Self.exceeds(quads) {
            bytes += quads.map { $0 >> 1 }
            quads = quads.map { $0 - $0 >> 1 }
            own.append(layout.offsets[step])
          }
          bytes += quads
        }
        let isPlain = own.count == plainSteps
        blocks.append(
          Block(start: start, firstOffset: isPlain ? 0 : offsets.count, steps: own.count))
        if !isPlain { offsets += own }
      }
    }
    packed = PackedBytes(count: bytes.count)
    (self.blocks, self.offsets) = (blocks, offsets)
    let base = packed.base
    UnsafeMutableRawBufferPointer(start: base, count: bytes.count).copyBytes(
      from: bytes.map(UInt8.init(bitPattern:)))
  }

  private static let rows = IntegerConvolution.rows

  /// Whether a pair's weights of one sign add up to more than what the largest inputs keep within 16 bits.
  private static func exceeds(_ quads: [Int8]) -> Bool {
    stride(from: 0, to: quads.count, by: 2).contains { first in
      let (a, b) = (Int(quads[first]), Int(quads[first + 1]))
      return max(a, 0) + max(b, 0) > Int(CK_INT8_PAIR)
        || min(a, 0) + min(b, 0) < -Int(CK_INT8_PAIR)
    }
  }
}
