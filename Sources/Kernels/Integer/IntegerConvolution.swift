import CKernels
import Tensors

/// A convolution of 8-bit integers with its weights packed: `Σ (x − zₓ)(w − z_w)` in int32.
///
/// Sums are taken over unsigned inputs and signed weights, four channels at a time. What the zero
/// points and the shift from unsigned to signed weights contribute is corrected afterwards:
/// `Σ (x − zₓ)(w − z_w) = Σ x·w − zₓ (Σ w − K z_w) − z_w Σ x`. Padding holds `zₓ`, so `K`, the
/// number of terms, is the same everywhere. All arithmetic wraps at 32 bits, so every order of
/// summation and every instruction set gives the same bits.
public struct IntegerConvolution: @unchecked Sendable {
  /// The extents.
  public let geometry: ConvolutionGeometry
  /// What a profile calls the algorithm.
  public let algorithm: String
  let kernels: UnsafePointer<ck_int8_kernels>
  let layout: IntegerLayout
  private let weights: IntegerWeights?
  /// For each output channel the sum of the signed weights minus `K z_w`.
  private let weightSums: [Int32]
  /// For each output channel the zero point of the signed weights.
  private let weightZeros: [Int32]
  /// Whether any of them is not zero, so that the sums of inputs count.
  private let needsInputSums: Bool
  private let depthwise: IntegerDepthwise?
  private let saturating: SaturatingConvolution?

  static let rows = Int(CK_INT8_ROWS)
  static let columns = Int(CK_INT8_COLUMNS)

  /// Packs weights for a convolution.
  ///
  /// - Parameters:
  ///   - weights: `[O, I / groups, kH, kW]`, `Int8` or `UInt8`.
  ///   - isSigned: whether they are `Int8`.
  ///   - zeroPoints: one for all output channels or one each.
  ///   - saturates: whether pairs of products saturate, as on CPUs without VNNI.
  public init(
    _ geometry: ConvolutionGeometry, weights: UnsafeRawPointer, isSigned: Bool,
    zeroPoints: [Int32] = [0], saturates: Bool = false, instructionSet: InstructionSet = .best
  ) {
    geometry.requireSound()
    self.geometry = geometry
    kernels = instructionSet.integerKernels
    layout = IntegerLayout(geometry)
    let name =
      "int8\(saturates ? " saturating" : "") \(geometry.kernelHeight)x\(geometry.kernelWidth)"
    algorithm = "\(name) \(String(cString: kernels.pointee.name))"
    let shift: Int32 = isSigned ? 0 : 128
    let depth = geometry.depth
    let zeros = (0..<geometry.outputChannels).map {
      zeroPoints[zeroPoints.count == 1 ? 0 : $0] &- shift
    }
    let signed = UnsafeBufferPointer(
      start: weights.assumingMemoryBound(to: UInt8.self), count: geometry.outputChannels * depth
    ).map { isSigned ? Int8(bitPattern: $0) : Int8(bitPattern: $0 ^ 0x80) }
    weightZeros = zeros
    needsInputSums = zeros.contains { $0 != 0 }
    weightSums = zeros.indices.map { channel in
      signed[channel * depth..<(channel + 1) * depth].reduce(-Int32(depth) &* zeros[channel]) {
        $0 &+ Int32($1)
      }
    }
    depthwise =
      geometry.isDepthwise
      ? IntegerDepthwise(geometry, weights: signed, kernels: kernels) : nil
    saturating =
      saturates && depthwise == nil
      ? SaturatingConvolution(geometry, weights: signed, kernels: kernels) : nil
    self.weights =
      depthwise == nil && saturating == nil
      ? IntegerWeights(
        signed, geometry, layout, pairsSaturate: kernels.pointee.pairsSaturate != 0) : nil
  }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int {
    if let depthwise { return depthwise.scratchBytes(threads: threads) }
    if let saturating { return saturating.scratchBytes(threads: threads) }
    return IntegerLayout.aligned(layout.packedBytes)
      + max(
        IntegerLayout.parts(threads: threads) * Self.tileBytes, threads * layout.packBufferBytes)
  }

  static var tileBytes: Int {
    (rows + 1) * columns * 4 + columns * MemoryLayout<ck_int8_run>.stride
  }

  /// Convolves.
  ///
  /// - Parameters:
  ///   - input: `[N, I, H, W]`, `Int8` or `UInt8`.
  ///   - isSigned: whether they are `Int8`.
  ///   - zeroPoint: the input's, which the padding takes too.
  ///   - destination: where the sums go, and as what.
  ///   - scratch: ``scratchBytes(threads:)`` bytes, aligned to 64.
  public func run(
    input: UnsafeRawPointer, isSigned: Bool, zeroPoint: Int32, to destination: IntegerDestination,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    let image = geometry.inputChannels * geometry.inputHeight * geometry.inputWidth
    for index in 0..<geometry.batch {
      let target = destination.advanced(by: index * geometry.outputChannels * layout.outputArea)
      let unsignedZero = zeroPoint &+ (isSigned ? 128 : 0)
      if let depthwise {
        depthwise.run(
          input + index * image, isSigned: isSigned, zeroPoint: zeroPoint, to: target,
          scratch: scratch, pool: pool
        ) { finish($0, zeroPoint: unsignedZero) }
        continue
      }
      for group in 0..<geometry.groups {
        let source = input + index * image + group * (image / geometry.groups)
        if let saturating {
          saturating.run(
            source, group: group, flip: isSigned ? 0x80 : 0,
            padding: UInt8(truncatingIfNeeded: unsignedZero), to: target, scratch: scratch,
            pool: pool
          ) { finish($0, zeroPoint: unsignedZero) }
          continue
        }
        layout.pack(
          source, flip: isSigned ? 0x80 : 0, zero: UInt8(truncatingIfNeeded: zeroPoint),
          to: scratch, kernels: kernels, pool: pool)
        runTiles(group, unsignedZero, target, scratch, pool)
      }
    }
  }

  private func runTiles(
    _ group: Int, _ zeroPoint: Int32, _ destination: IntegerDestination,
    _ image: UnsafeMutableRawPointer, _ pool: ThreadPool
  ) {
    let tiles = (layout.positions + Self.columns - 1) / Self.columns
    let blocks = layout.blocks
    // Few tiles are shared out by blocks of output channels as well.
    let blockParts = min(blocks, max(1, (4 * pool.threadCount + tiles - 1) / tiles))
    let units = tiles * blockParts
    let parts = min(IntegerLayout.parts(threads: pool.threadCount), units)
    let rowsPerGroup = geometry.outputChannels / geometry.groups
    guard let weights else { return }
    let tileMemory = image + IntegerLayout.aligned(layout.packedBytes)
    pool.forEach(parts) { part in
      let sums = (tileMemory + part * Self.tileBytes).assumingMemoryBound(to: Int32.self)
      for unit in units * part / parts..<units * (part + 1) / parts {
        let (tile, blockPart) = unit.quotientAndRemainder(dividingBy: blockParts)
        let start = tile * Self.columns
        let count = min(Self.columns, layout.positions - start)
        let range = blocks * blockPart / blockParts..<blocks * (blockPart + 1) / blockParts
        let rows = range.lowerBound * Self.rows..<min(range.upperBound * Self.rows, rowsPerGroup)
        run(
          rows: rows, of: group, weights, image: image, start: start, count: count, sums: sums,
          zeroPoint: zeroPoint, destination: destination)
      }
    }
  }

  /// Makes some blocks of one tile.
  private func run(
    rows: Range<Int>, of group: Int, _ weights: IntegerWeights, image: UnsafeMutableRawPointer,
    start: Int, count: Int, sums: UnsafeMutablePointer<Int32>, zeroPoint: Int32,
    destination: IntegerDestination
  ) {
    let inputSums = sums + Self.rows * Self.columns
    let firstChannel = group * (geometry.outputChannels / geometry.groups)
    let runs = layout.runs(
      start: start, count: count, in: UnsafeMutableRawPointer(inputSums + Self.columns))
    layout.offsets.withUnsafeBufferPointer { offsets in
      var block = ck_int8_block(
        input: (image + 4 * start).assumingMemoryBound(to: UInt8.self),
        offsets: offsets.baseAddress, weights: nil, sums: inputSums, steps: Int32(offsets.count),
        columns: Int32(count), rest: nil)
      if needsInputSums { kernels.pointee.inputSums(&block) }
      block.sums = sums
      for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.rows) {
        weights.enter(group * layout.blocks + first / Self.rows, into: &block)
        kernels.pointee.block(&block)
        let channels = firstChannel + first..<firstChannel + min(first + Self.rows, rows.upperBound)
        store(channels, block, inputSums, runs, zeroPoint, destination)
      }
    }
  }

  /// Has the sums of a block's channels leave.
  private func store(
    _ channels: Range<Int>, _ block: ck_int8_block, _ inputSums: UnsafePointer<Int32>,
    _ runs: UnsafeBufferPointer<ck_int8_run>, _ zeroPoint: Int32,
    _ destination: IntegerDestination
  ) {
    if case .quantized(let base, let map) = destination {
      let first = channels.lowerBound
      let scaleStep = map.scales.count == 1 ? 0 : 1
      weightSums.withUnsafeBufferPointer { weightSums in
        weightZeros.withUnsafeBufferPointer { weightZeros in
          guard let sums = weightSums.baseAddress, let zeros = weightZeros.baseAddress,
            let scales = map.scales.baseAddress
          else { return }
          var call = ck_int8_finish(
            sums: block.sums, inputSums: inputSums, weightSums: sums + first,
            weightZeros: zeros + first, bias: map.bias.map { $0 + first },
            scales: scales + first * scaleStep, table: map.lookup?.table,
            y: base + first * layout.outputArea, runs: runs.baseAddress, plane: layout.outputArea,
            scaleStep: Int32(scaleStep), rows: Int32(channels.count), columns: block.columns,
            runCount: Int32(runs.count), inputZero: zeroPoint, zero: map.zeroPoint,
            isSigned: map.isSigned ? 1 : 0)
          kernels.pointee.finish(&call)
        }
      }
      return
    }
    for channel in channels {
      let finish = finish(channel, zeroPoint: zeroPoint)
      let sums = block.sums + (channel - channels.lowerBound) * Self.columns
      for run in runs {
        let place = Int(run.place)
        finish.store(
          sums + place, inputSums: finish.factor == 0 ? nil : inputSums + place, to: destination,
          at: channel * layout.outputArea + run.pixel, count: Int(run.count))
      }
    }
  }

  /// What corrects one channel's sums over inputs of the given zero point, counted from the lowest
  /// byte.
  private func finish(_ channel: Int, zeroPoint: Int32) -> IntegerFinish {
    IntegerFinish(
      kernels: kernels, channel: channel, offset: 0 &- zeroPoint &* weightSums[channel],
      factor: weightZeros[channel])
  }
}
