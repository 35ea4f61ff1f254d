import CKernels
import Tensors

/// A convolution of 8-bit integers whose products of an unsigned and a signed byte are added in
/// pairs that saturate at 16 bits (`vpmaddubsw`), as in ONNX Runtime's kernels for CPUs without
/// VNNI.
///
/// A pair is two neighbours of the unfolded depth, which runs over the taps and, within a tap, over
/// the group's input channels; of an odd number of channels, pairs reach from one tap into the
/// next. Depthwise convolutions multiply in 16 bits there and do not saturate.
struct SaturatingConvolution: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let kernels: UnsafePointer<ck_int8_kernels>
  /// `[group, block of rows, step, row, four of the depth]`, zero where there are none.
  private let packed: PackedBytes
  private let steps: Int
  private let blocks: Int
  private let width: Int
  private let plane: Int

  private static let rows = IntegerConvolution.rows
  private static let columns = IntegerConvolution.columns

  init(
    _ geometry: ConvolutionGeometry, weights: [Int8], kernels: UnsafePointer<ck_int8_kernels>
  ) {
    let g = geometry
    self.geometry = g
    self.kernels = kernels
    steps = (g.depth + 3) / 4
    blocks = (g.outputChannels / g.groups + Self.rows - 1) / Self.rows
    width = max(
      g.inputWidth + g.padLeft,
      (g.outputWidth - 1) * g.strideWidth + g.dilationWidth * (g.kernelWidth - 1) + 1)
    let height = max(
      g.inputHeight + g.padTop,
      (g.outputHeight - 1) * g.strideHeight + g.dilationHeight * (g.kernelHeight - 1) + 1)
    plane = height * width
    let last =
      ((g.outputHeight - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight) * width
      + (g.outputWidth - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth
    g.requireRoom(for: last + 1, in: plane, "plane of bytes")
    packed = PackedBytes(count: g.groups * blocks * steps * Self.rows * 4)
    let channels = g.inputChannels / g.groups
    let taps = g.kernelHeight * g.kernelWidth
    for output in 0..<g.outputChannels {
      let (group, row) = output.quotientAndRemainder(dividingBy: g.outputChannels / g.groups)
      let block = packed.base + blockStart(group, row / Self.rows)
      for depth in 0..<g.depth {
        let (tap, channel) = depth.quotientAndRemainder(dividingBy: channels)
        let place = (depth / 4 * Self.rows + row % Self.rows) * 4 + depth % 4
        (block + place).storeBytes(
          of: weights[output * g.depth + channel * taps + tap], as: Int8.self)
      }
    }
  }

  private func blockStart(_ group: Int, _ block: Int) -> Int {
    (group * blocks + block) * steps * Self.rows * 4
  }

  private var frameBytes: Int {
    IntegerLayout.aligned(geometry.inputChannels / geometry.groups * plane)
  }
  private var panelBytes: Int { IntegerLayout.aligned(steps * Self.columns * 4) }

  /// The working memory a run on that many threads needs.
  func scratchBytes(threads: Int) -> Int {
    frameBytes + threads * (panelBytes + IntegerConvolution.tileBytes)
  }

  /// Convolves one group of one image.
  ///
  /// - Parameters:
  ///   - padding: what surrounds the image, as an unsigned byte.
  ///   - finish: how the sums of a channel leave.
  func run(
    _ source: UnsafeRawPointer, group: Int, flip: UInt8, padding: UInt8,
    to destination: IntegerDestination, scratch: UnsafeMutableRawPointer, pool: ThreadPool,
    finish: (Int) -> IntegerFinish
  ) {
    let frame = scratch.assumingMemoryBound(to: UInt8.self)
    fill(frame, from: source.assumingMemoryBound(to: UInt8.self), flip: flip, padding: padding)
    let area = geometry.outputHeight * geometry.outputWidth
    let tiles = (area + Self.columns - 1) / Self.columns
    let parts = min(pool.threadCount, tiles)
    pool.forEach(parts) { part in
      let own = scratch + frameBytes + part * (panelBytes + IntegerConvolution.tileBytes)
      let panel = own.assumingMemoryBound(to: UInt8.self)
      own.initializeMemory(as: UInt8.self, repeating: 0, count: panelBytes)
      let sums = (own + panelBytes).assumingMemoryBound(to: Int32.self)
      for tile in share(tiles, part, parts) {
        let pixels = tile * Self.columns..<min(area, (tile + 1) * Self.columns)
        unfold(pixels, of: frame, to: panel)
        multiply(panel, group, pixels, sums, destination, finish)
      }
    }
  }

  /// Copies a group's planes into the middle of frames of padding.
  private func fill(
    _ frame: UnsafeMutablePointer<UInt8>, from source: UnsafePointer<UInt8>, flip: UInt8,
    padding: UInt8
  ) {
    let g = geometry
    frame.update(repeating: padding, count: frameBytes)
    for channel in 0..<g.inputChannels / g.groups {
      for row in 0..<g.inputHeight {
        let target = frame + channel * plane + (row + g.padTop) * width + g.padLeft
        let line = source + (channel * g.inputHeight + row) * g.inputWidth
        for column in 0..<g.inputWidth { target[column] = line[column] ^ flip }
      }
    }
  }

  /// Lays the inputs of some pixels side by side: `[step, pixel, four of the depth]`.
  private func unfold(
    _ pixels: Range<Int>, of frame: UnsafePointer<UInt8>, to panel: UnsafeMutablePointer<UInt8>
  ) {
    let g = geometry
    let channels = g.inputChannels / g.groups
    withUnsafeTemporaryAllocation(of: Int.self, capacity: pixels.count) { places in
      for pixel in pixels {
        let (y, x) = pixel.quotientAndRemainder(dividingBy: g.outputWidth)
        places[pixel - pixels.lowerBound] = y * g.strideHeight * width + x * g.strideWidth
      }
      var depth = 0
      for tap in 0..<g.kernelHeight * g.kernelWidth {
        let (tapY, tapX) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
        let offset = tapY * g.dilationHeight * width + tapX * g.dilationWidth
        for channel in 0..<channels {
          let inputs = frame + channel * plane + offset
          let target = panel + depth / 4 * Self.columns * 4 + depth % 4
          for column in 0..<places.count { target[4 * column] = inputs[places[column]] }
          depth += 1
        }
      }
    }
  }

  private func multiply(
    _ panel: UnsafePointer<UInt8>, _ group: Int, _ pixels: Range<Int>,
    _ sums: UnsafeMutablePointer<Int32>, _ destination: IntegerDestination,
    _ finish: (Int) -> IntegerFinish
  ) {
    let rowsPerGroup = geometry.outputChannels / geometry.groups
    let area = geometry.outputHeight * geometry.outputWidth
    let inputSums = sums + Self.rows * Self.columns
    withUnsafeTemporaryAllocation(of: Int.self, capacity: steps) { offsets in
      for step in 0..<steps { offsets[step] = step * Self.columns * 4 }
      var call = ck_int8_block(
        input: panel, offsets: offsets.baseAddress, weights: nil, sums: inputSums,
        steps: Int32(steps), columns: Int32(pixels.count), rest: nil)
      kernels.pointee.inputSums(&call)
      call.sums = sums
      for block in 0..<blocks {
        call.weights = UnsafePointer(
          (packed.base + blockStart(group, block)).assumingMemoryBound(to: Int8.self))
        kernels.pointee.saturatingBlock(&call)
        for row in block * Self.rows..<min((block + 1) * Self.rows, rowsPerGroup) {
          let channel = group * rowsPerGroup + row
          let finish = finish(channel)
          finish.store(
            sums + row % Self.rows * Self.columns, inputSums: finish.factor == 0 ? nil : inputSums,
            to: destination, at: channel * area + pixels.lowerBound, count: pixels.count)
        }
      }
    }
  }
}
