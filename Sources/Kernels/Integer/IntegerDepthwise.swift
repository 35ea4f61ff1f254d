import CKernels
import Tensors

/// A depthwise convolution of 8-bit integers, plane by plane, on padded copies of the planes.
struct IntegerDepthwise: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let kernels: UnsafePointer<ck_int8_kernels>
  /// `[channel, kernelHeight, kernelWidth in whole fours]`, then one such filter of ones.
  private let packed: PackedBytes
  private let rowOfWeights: Int
  private let pitch: Int
  private let frameRows: Int

  /// Sums that are made before they are finished, about.
  private static let chunk = 4096

  init(
    _ geometry: ConvolutionGeometry, weights: [Int8], kernels: UnsafePointer<ck_int8_kernels>
  ) {
    let g = geometry
    self.geometry = g
    self.kernels = kernels
    rowOfWeights = (g.kernelWidth + 3) / 4 * 4
    pitch = (g.outputWidth - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth + 1
    frameRows = (g.outputHeight - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight + 1
    packed = PackedBytes(count: (g.outputChannels + 1) * g.kernelHeight * rowOfWeights)
    let filter = g.kernelHeight * g.kernelWidth
    for channel in 0...g.outputChannels {
      for tap in 0..<filter {
        let (row, column) = tap.quotientAndRemainder(dividingBy: g.kernelWidth)
        let place = (channel * g.kernelHeight + row) * rowOfWeights + column
        let weight = channel < g.outputChannels ? weights[channel * filter + tap] : 1
        packed.base.storeBytes(of: weight, toByteOffset: place, as: Int8.self)
      }
    }
    let last =
      ((g.outputHeight - 1) * g.strideHeight + (g.kernelHeight - 1) * g.dilationHeight) * pitch
      + (g.outputWidth - 1) * g.strideWidth + (g.kernelWidth - 1) * g.dilationWidth
    // See `ck_int8_depthwise` for what is read beyond the last tap.
    g.requireRoom(for: last + 64 + 32 * g.strideWidth, in: frameBytes, "frame of bytes")
  }

  /// Without strides all rows are one: sums lie as their inputs do, with those between the rows
  /// among them.
  private var isFlat: Bool { geometry.strideHeight == 1 && geometry.strideWidth == 1 }
  private var sumPitch: Int { isFlat ? pitch : geometry.outputWidth }
  private var rowsPerChunk: Int {
    min(geometry.outputHeight, max(1, Self.chunk / sumPitch))
  }
  private var sumBytes: Int { IntegerLayout.aligned(4 * rowsPerChunk * sumPitch + 64) }
  private var frameBytes: Int {
    IntegerLayout.aligned(frameRows * pitch + 128 + 32 * geometry.strideWidth)
  }
  private var partBytes: Int { frameBytes + 3 * sumBytes }

  /// The working memory a run on that many threads needs.
  func scratchBytes(threads: Int) -> Int {
    IntegerLayout.parts(threads: threads) * partBytes
  }

  /// Convolves one image.
  ///
  /// - Parameter finish: How the sums of a channel leave; a factor asks for the sums of the inputs.
  func run(
    _ input: UnsafeRawPointer, isSigned: Bool, zeroPoint: Int32, to destination: IntegerDestination,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool, finish: (Int) -> IntegerFinish
  ) {
    let g = geometry
    let area = g.inputHeight * g.inputWidth
    let zero = UInt8(truncatingIfNeeded: zeroPoint) ^ (isSigned ? 0x80 : 0)
    let parts = min(IntegerLayout.parts(threads: pool.threadCount), g.inputChannels)
    pool.forEach(parts) { part in
      let own = scratch + part * partBytes
      let frame = own.assumingMemoryBound(to: UInt8.self)
      own.initializeMemory(as: UInt8.self, repeating: zero, count: frameBytes)
      let sums = (own + frameBytes).assumingMemoryBound(to: Int32.self)
      for channel in share(g.inputChannels, part, parts) {
        fill(
          frame, from: (input + channel * area).assumingMemoryBound(to: UInt8.self),
          flip: isSigned ? 0x80 : 0)
        run(channel, frame, sums, destination, finish(channel))
      }
    }
  }

  /// Copies a plane into the middle of a frame; the padding around it stays.
  private func fill(
    _ frame: UnsafeMutablePointer<UInt8>, from plane: UnsafePointer<UInt8>, flip: UInt8
  ) {
    let g = geometry
    let columns = min(g.inputWidth, pitch - g.padLeft)
    let rows = min(g.inputHeight, frameRows - g.padTop)
    guard columns > 0, rows > 0 else { return }
    for row in 0..<rows {
      let target = frame + (row + g.padTop) * pitch + g.padLeft
      let source = plane + row * g.inputWidth
      if flip == 0 {
        target.update(from: source, count: columns)
      } else {
        for column in 0..<columns { target[column] = source[column] ^ flip }
      }
    }
  }

  private func run(
    _ channel: Int, _ frame: UnsafePointer<UInt8>, _ sums: UnsafeMutablePointer<Int32>,
    _ destination: IntegerDestination, _ finish: IntegerFinish
  ) {
    let g = geometry
    let filters = packed.base.assumingMemoryBound(to: Int8.self)
    var call = ck_int8_depthwise()
    call.pitch = pitch
    (call.kernelHeight, call.kernelWidth) = (Int32(g.kernelHeight), Int32(g.kernelWidth))
    (call.strideHeight, call.stride) = (Int32(g.strideHeight), Int32(g.strideWidth))
    (call.dilationHeight, call.dilation) = (Int32(g.dilationHeight), Int32(g.dilationWidth))
    let inputSums = UnsafeMutableRawPointer(sums) + sumBytes
    for first in stride(from: 0, to: g.outputHeight, by: rowsPerChunk) {
      let rows = min(rowsPerChunk, g.outputHeight - first)
      call.rows = isFlat ? 1 : rows
      call.count = isFlat ? (rows - 1) * pitch + g.outputWidth : g.outputWidth
      call.input = frame + first * g.strideHeight * pitch
      if finish.factor != 0 {
        call.weights = UnsafePointer(filters + g.outputChannels * g.kernelHeight * rowOfWeights)
        call.sums = inputSums.assumingMemoryBound(to: Int32.self)
        kernels.pointee.depthwise(&call)
      }
      call.weights = UnsafePointer(filters + channel * g.kernelHeight * rowOfWeights)
      call.sums = sums
      kernels.pointee.depthwise(&call)
      store(
        sums,
        inputSums: finish.factor == 0
          ? nil : UnsafePointer(inputSums.assumingMemoryBound(to: Int32.self)),
        to: destination, at: (channel * g.outputHeight + first) * g.outputWidth, rows: rows,
        finish)
    }
  }

  /// Has the sums of some rows leave, those between the rows left out.
  private func store(
    _ sums: UnsafeMutablePointer<Int32>, inputSums: UnsafePointer<Int32>?,
    to destination: IntegerDestination, at index: Int, rows: Int, _ finish: IntegerFinish
  ) {
    let width = geometry.outputWidth
    guard sumPitch > width else {
      finish.store(
        sums, inputSums: inputSums, to: destination, at: index, count: rows * width)
      return
    }
    if case .quantized(let base, let map) = destination {
      let bytes = (UnsafeMutableRawPointer(sums) + 2 * sumBytes).assumingMemoryBound(
        to: UInt8.self)
      finish.store(
        sums, inputSums: inputSums, to: .quantized(bytes, map), at: 0,
        count: (rows - 1) * sumPitch + width)
      for row in 0..<rows {
        (base + index + row * width).update(from: bytes + row * sumPitch, count: width)
      }
      return
    }
    for row in 0..<rows {
      finish.store(
        sums + row * sumPitch, inputSums: inputSums.map { $0 + row * sumPitch }, to: destination,
        at: index + row * width, count: width)
    }
  }
}
