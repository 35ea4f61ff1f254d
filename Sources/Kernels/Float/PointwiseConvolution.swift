import CKernels
import Tensors

/// Convolution by 1×1 kernels as one product: packed rows of weights times tiles of the input where
/// it lies.
///
/// The plane is cut into tiles of up to three vectors of pixels, which stay in the first-level
/// cache while all blocks of output channels read them.
package struct PointwiseConvolution: @unchecked Sendable {
  private let geometry: ConvolutionGeometry
  private let epilogue: Epilogue
  private let kernels: UnsafePointer<ck_kernels>
  let weights: PackedWeights
  private let tiles: [Tile]
  /// The place of each channel of a tile.
  private let offsets: [Int]

  init(
    _ geometry: ConvolutionGeometry, epilogue: Epilogue, instructionSet: InstructionSet
  ) {
    self.geometry = geometry
    self.epilogue = epilogue
    kernels = instructionSet.kernels
    weights = PackedWeights(geometry)
    let plane = geometry.outputHeight * geometry.outputWidth
    tiles = Tile.tiles(of: plane, vector: Int(kernels.pointee.vectorLength))
    offsets = (0..<geometry.depth).map { $0 * plane }
  }

  func run(
    input: UnsafePointer<Float>, packed: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let units = geometry.batch * geometry.groups * tiles.count
    let threads = pool.threadCount
    // Of small planes the threads share the output channels instead.
    let blockCount = weights.blocks.count
    let sharesTiles =
      threads == 1
      || sharesPixels(
        geometry.batch * geometry.outputHeight * geometry.outputWidth, threads: threads)
    let rowParts = sharesTiles ? 1 : min(threads, blockCount)
    let parts = rowParts > 1 ? rowParts : min(threads, units)
    offsets.withUnsafeBufferPointer { offsets in
      guard let offsets = offsets.baseAddress else { return }
      pool.forEach(parts) { part in
        var call = ck_gemm_block()
        call.offsets = offsets
        call.depth = geometry.depth
        call.cStride = geometry.outputHeight * geometry.outputWidth
        call.activation = epilogue.activation.parameters
        call.residualMode = residual == nil ? CK_RESIDUAL_NONE : epilogue.residual.mode
        let blocks = rowParts > 1 ? share(blockCount, part, parts) : 0..<blockCount
        for unit in rowParts > 1 ? 0..<units : share(units, part, parts) {
          run(
            &call, unit: unit, blocks: blocks, input: input, packed: packed, residual: residual,
            output: output)
        }
      }
    }
  }

  private func run(
    _ call: inout ck_gemm_block, unit: Int, blocks: Range<Int>, input: UnsafePointer<Float>,
    packed: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>
  ) {
    let g = geometry
    let plane = g.inputHeight * g.inputWidth
    let (image, group) = (unit / tiles.count).quotientAndRemainder(dividingBy: g.groups)
    let tile = tiles[unit % tiles.count]
    let channels = g.inputChannels / g.groups
    let rows = g.outputChannels / g.groups
    call.b = input + (image * g.inputChannels + group * channels) * plane + tile.start
    call.columns = Int32(tile.count)
    call.firstRun = call.columns
    let at = (image * g.outputChannels + group * rows) * plane + tile.start
    weights.multiply(
      &call, by: packed, group: group, blocks: blocks, output: output + at,
      residual: residual.map { $0 + at }, kernels: kernels)
  }
}
