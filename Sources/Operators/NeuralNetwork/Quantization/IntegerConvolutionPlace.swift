import GraphIR
import Kernels
import Tensors

/// Where an integer convolution finds what it needs among a node's inputs.
struct IntegerConvolutionPlace: Sendable {
  var rule: ConvolutionRule
  var weights: Int
  var inputZero: Int
  var weightsZero: Int
  /// Whether pairs of products saturate; see ``SimulateSaturation``.
  var saturates = false

  /// Checks x, the weights and the zero points, and types an output.
  func inferType(_ inputs: [Operand?], output: ElementType) throws -> TensorType {
    let (x, w) = (try inputs.required(0), try inputs.required(weights))
    try x.check(0, holds: .uint8, .int8)
    try w.check(weights, holds: .uint8, .int8)
    let type = try rule.outputType(
      x: x.shape, w: w.shape, holds: output, weightsInput: weights)
    if let zero = inputs.optional(inputZero) {
      try zero.check(inputZero, holds: x.elementType)
      try zero.checkOneNumber(inputZero)
    }
    if let zero = inputs.optional(weightsZero) {
      try zero.check(weightsZero, holds: w.elementType)
      if zero.type.count != 1 {
        try zero.check(weightsZero, shape: [w.shape[0]], "the weights' zero point")
      }
    }
    return type
  }

  /// A kernel that finishes the sums as `destination` tells for each call.
  ///
  /// - Parameter extraScratch: Bytes of scratch that `destination` may use.
  func kernel(
    _ site: PreparationSite, extraScratch: Int = 0,
    destination: @escaping @Sendable (OperatorCall, UnsafeMutableRawPointer) -> IntegerDestination
  ) throws -> Kernel {
    let (x, w) = (try site.inputs.required(0), try site.inputs.required(weights))
    guard rule.hasKernel(x: x.shape, w: w.shape) else {
      return try plainKernel(site, extraScratch: extraScratch, destination: destination)
    }
    let geometry = try rule.geometry(x: x.shape, w: w.shape, weightsInput: weights)
    guard x.shape[0] > 0 else { return Kernel(algorithm: "") { _ in } }
    let zero = site.inputs.optional(weightsZero)
    let inputIsSigned = x.elementType == .int8
    let extra = (extraScratch + 63) / 64 * 64
    let inputZero = inputZero
    guard let constant = w.constant, zero == nil || zero?.constant != nil else {
      let place = self
      return Kernel(algorithm: "int8, weights packed in the run", scratchBytes: extra) { call in
        guard let weights = call.inputs[place.weights] else { return }
        let convolution = place.convolution(
          geometry, weights, zero: call.optional(place.weightsZero))
        let scratch = WorkingMemory(
          byteCount: convolution.scratchBytes(threads: call.pool.threadCount))
        defer { withExtendedLifetime(scratch) {} }
        guard let x = call.inputs[0] else { return }
        convolution.run(
          input: x.base, isSigned: inputIsSigned, zeroPoint: call.zeroPoint(inputZero),
          to: destination(call, call.scratch), scratch: scratch.base, pool: call.pool)
      }
    }
    let convolution = withExtendedLifetime((constant, zero)) {
      self.convolution(geometry, constant.view, zero: zero?.constant?.view)
    }
    return Kernel(
      algorithm: convolution.algorithm,
      scratchBytes: extra + convolution.scratchBytes(threads: site.threadCount),
      packedInputs: [weights]
    ) { call in
      guard let x = call.inputs[0] else { return }
      convolution.run(
        input: x.base, isSigned: inputIsSigned, zeroPoint: call.zeroPoint(inputZero),
        to: destination(call, call.scratch), scratch: call.scratch + extra, pool: call.pool)
    }
  }

  /// The kernel for more axes than packed bytes have.
  private func plainKernel(
    _ site: PreparationSite, extraScratch: Int,
    destination: @escaping @Sendable (OperatorCall, UnsafeMutableRawPointer) -> IntegerDestination
  ) throws -> Kernel {
    guard !saturates else {
      throw OperatorError.unsupported("saturation on more than 2 spatial axes")
    }
    let convolution = try rule.plain(
      x: try site.inputs.required(0).shape, w: try site.inputs.required(weights).shape,
      weightsInput: weights)
    let extra = (extraScratch + 63) / 64 * 64
    let (batch, channels) = (site.outputs[0].shape[0], site.outputs[0].shape[1])
    let plane = site.outputs[0].shape[2...].product
    let place = self
    return Kernel(
      algorithm: "plain", scratchBytes: extra + 4 * plane * site.threadCount
    ) { call in
      guard let x = call.inputs[0].map(QuantizedView.init),
        let w = call.inputs[place.weights].map(QuantizedView.init)
      else { return }
      let target = destination(call, call.scratch)
      let zeros = call.optional(place.weightsZero)?.count ?? 1
      let memory = (call.scratch + extra).assumingMemoryBound(to: Int32.self)
      let parts = min(call.pool.threadCount, batch * channels)
      call.pool.forEach(parts) { part in
        let sums = memory + part * plane
        for index in batch * channels * part / parts..<batch * channels * (part + 1) / parts {
          let (image, channel) = index.quotientAndRemainder(dividingBy: channels)
          convolution.sums(
            x, zero: call.zeroPoint(place.inputZero), w,
            weightZero: call.zeroPoint(place.weightsZero, at: zeros == 1 ? 0 : channel),
            image: image, channel: channel, to: sums)
          target.store(sums, channel: channel, at: index * plane, count: plane)
        }
      }
    }
  }

  private func convolution(
    _ geometry: ConvolutionGeometry, _ weights: TensorView, zero: TensorView?
  ) -> IntegerConvolution {
    let zeros = zero.map { view in (0..<view.count).map { QuantizedView(view)[$0] } } ?? [0]
    return IntegerConvolution(
      geometry, weights: weights.base, isSigned: weights.elementType == .int8, zeroPoints: zeros,
      saturates: saturates)
  }
}

extension Operand {
  /// Refuses anything but a single element.
  func checkOneNumber(_ input: Int) throws {
    guard type.count == 1 else {
      throw OperatorError.shape(input: input, found: shape, reason: "is not one number")
    }
  }
}
