import GraphIR
import Kernels
import Tensors

extension ConvolutionRule {
  /// Checks the inputs x, w, bias and residual of a float32 convolution and types its output.
  func inferTypes(_ inputs: [Operand?], residual: Epilogue.Residual) throws -> [TensorType] {
    try inputs.checkCount(2...(residual == .none ? 3 : 4))
    let (x, w) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32)
    try w.check(1, holds: .float32)
    let output = try outputType(x: x.shape, w: w.shape, holds: .float32)
    if let bias = inputs.optional(2) {
      try bias.check(2, holds: .float32)
      try bias.check(2, shape: [w.shape[0]], "the bias")
    }
    if residual != .none {
      let residual = try inputs.required(3)
      try residual.check(3, holds: .float32)
      try residual.check(3, shape: output.shape, "the residual")
    }
    return [output]
  }

  /// The kernel for a place in a graph: weights are packed now when they are constant, else in
  /// every run.
  func kernel(_ site: PreparationSite, epilogue: Epilogue) throws -> Kernel {
    let (x, w) = (try site.inputs.required(0), try site.inputs.required(1))
    guard hasKernel(x: x.shape, w: w.shape) else {
      return try plainKernel(x.shape, w.shape, epilogue)
    }
    let geometry = try geometry(x: x.shape, w: w.shape)
    guard x.shape[0] > 0 else { return Kernel(algorithm: "") { _ in } }
    let bias = site.inputs.optional(2)
    guard let weights = w.constant, bias == nil || bias?.constant != nil else {
      return kernelOfRunTimeWeights(geometry, epilogue, threads: site.threadCount)
    }
    let convolution = PreparedConvolution(
      geometry, weights: weights, bias: bias?.constant, epilogue: epilogue)
    return Kernel(
      algorithm: convolution.algorithm,
      scratchBytes: convolution.scratchBytes(threads: site.threadCount), packedInputs: [1, 2]
    ) { call in convolution.run(call, scratch: call.scratch) }
  }

  private func plainKernel(_ x: [Int], _ w: [Int], _ epilogue: Epilogue) throws -> Kernel {
    let convolution = try plain(x: x, w: w)
    return Kernel(algorithm: "plain") { call in
      guard let x = call.floats(0), let w = call.floats(1) else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Float.self)
      let count = call.outputs[0].count
      // The residual's memory may be the output's.
      let residual = call.floats(3).map { Array(UnsafeBufferPointer(start: $0, count: count)) }
      convolution.run(x, w, bias: call.floats(2), to: y, pool: call.pool)
      if epilogue.residual == .beforeActivation, let residual {
        for index in 0..<count { y[index] += residual[index] }
      }
      Elementwise.map(
        epilogue.activation, from: UnsafePointer(y), to: y, count: count, pool: call.pool)
      if epilogue.residual == .afterActivation, let residual {
        for index in 0..<count { y[index] += residual[index] }
      }
    }
  }

  private func kernelOfRunTimeWeights(
    _ geometry: ConvolutionGeometry, _ epilogue: Epilogue, threads: Int
  ) -> Kernel {
    let convolution = UnpackedConvolution(geometry, epilogue: epilogue)
    return Kernel(
      algorithm: "\(convolution.algorithm), packed in the run",
      scratchBytes: convolution.scratchBytes(threads: threads)
    ) { call in
      guard let x = call.floats(0), let weights = call.floats(1) else { return }
      convolution.run(
        input: x, weights: weights, bias: call.floats(2), residual: call.floats(3),
        output: call.outputs[0].base.assumingMemoryBound(to: Float.self), scratch: call.scratch,
        pool: call.pool)
    }
  }
}

extension OperatorCall {
  /// The elements of a float32 input; `nil` when it is omitted.
  func floats(_ input: Int) -> UnsafePointer<Float>? {
    guard inputs.indices.contains(input), let view = inputs[input] else { return nil }
    return UnsafePointer(view.base.assumingMemoryBound(to: Float.self))
  }
}

extension PreparedConvolution {
  init(_ geometry: ConvolutionGeometry, weights: Tensor, bias: Tensor?, epilogue: Epilogue) {
    self = withExtendedLifetime((weights, bias)) {
      PreparedConvolution(
        geometry, weights: UnsafePointer(weights.view.base.assumingMemoryBound(to: Float.self)),
        bias: bias.map { UnsafePointer($0.view.base.assumingMemoryBound(to: Float.self)) },
        epilogue: epilogue)
    }
  }

  /// Convolves input 0 of a call, with input 3 as the residual, into its first output.
  func run(_ call: OperatorCall, scratch: UnsafeMutableRawPointer) {
    guard let x = call.inputs[0] else { return }
    let residual = call.inputs.count > 3 ? call.inputs[3] : nil
    run(
      input: UnsafePointer(x.base.assumingMemoryBound(to: Float.self)),
      residual: residual.map { UnsafePointer($0.base.assumingMemoryBound(to: Float.self)) },
      output: call.outputs[0].base.assumingMemoryBound(to: Float.self), scratch: scratch,
      pool: call.pool)
  }
}
