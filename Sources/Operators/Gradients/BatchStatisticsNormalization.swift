import GraphIR
import Kernels
import Tensors

/// Batch normalisation by the statistics of the batch itself, as in training.
///
/// The engine's own operator, which only ``UseBatchStatistics`` makes. Inputs: those of
/// ``BatchNormalization``. Outputs: y; the batch's mean and `1 / √(variance + ε)` `[C]`; the
/// running mean and variance after this batch, `(1 − momentum)·old + momentum·batch`, the variance
/// unbiased as PyTorch keeps it. Attributes: `epsilon`, `momentum`.
///
/// Reference: Ioffe and Szegedy, *Batch Normalization*, ICML 2015, arXiv:1502.03167.
struct BatchStatisticsNormalization: DifferentiableOperator {
  static let opType = "BatchStatisticsNormalization"
  static let domain = "compress"

  private let epsilon: Double
  private let momentum: Double

  init(attributes: Attributes, opset: Int) throws {
    epsilon = Double(try attributes.float("epsilon", default: 1e-5))
    momentum = Double(try attributes.float("momentum", default: 0.03))
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(5...5)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32)
    try x.check(0, rank: 2...8)
    for (index, what) in zip(1..., ["scale", "bias", "mean", "variance"]) {
      try inputs.required(index).check(index, shape: [x.shape[1]], "the \(what)")
    }
    return [x.type] + (0..<4).map { _ in TensorType(.float32, [x.shape[1]]) }
  }

  func forward(_ call: OperatorCall) throws {
    let planes = ChannelSums(call.outputs[0].shape)
    let inputs = try (0..<5).map { try call.input($0).words(as: Float.self) }
    let outputs = call.outputs.map { $0.words(as: Float.self) }
    let count = Double(planes.count)
    call.pool.forEach(planes.channels) { channel in
      // The rounded mean is taken off, and what rounding left is taken into account.
      let mean = planes.sum(channel, of: inputs[0]) / count
      let rest = mean - Double(Float(mean))
      let squares = planes.squares(channel, of: inputs[0], shift: Float(mean)) / count
      let variance = max(squares - rest * rest, 0)
      let inverse = 1 / (variance + epsilon).squareRoot()
      let factor = Float(Double(inputs[1][channel]) * inverse)
      let offset = Float(Double(inputs[2][channel]) - Double(factor) * mean)
      planes.scale(channel, of: inputs[0], to: outputs[0], by: factor, offset: offset)
      guard outputs.count == 5 else { return }
      let unbiased = variance * count / max(count - 1, 1)
      outputs[1][channel] = Float(mean)
      outputs[2][channel] = Float(inverse)
      outputs[3][channel] = Float((1 - momentum) * Double(inputs[3][channel]) + momentum * mean)
      outputs[4][channel] = Float((1 - momentum) * Double(inputs[4][channel]) + momentum * unbiased)
    }
  }

  /// See ``BatchStatisticsGradient``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    return derivation.append(
      BatchStatisticsGradient.opType, domain: BatchStatisticsGradient.domain,
      [dy, derivation.input(0), derivation.input(1), derivation.output(1), derivation.output(2)],
      outputs: 3)
  }
}

/// The gradient of ``BatchStatisticsNormalization``.
///
/// With `x̂ = (x − μ)·s` and means over the batch's elements of a channel: `∂β = Σ ∂y`,
/// `∂γ = Σ ∂y·x̂`, `∂x = γ s (∂y − mean(∂y) − x̂·mean(∂y·x̂))`. Inputs: `∂y`, x, γ, μ, s. Outputs:
/// `∂x`, `∂γ`, `∂β`.
struct BatchStatisticsGradient: Operator {
  static let opType = "BatchStatisticsGradient"
  static let domain = "compress"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(5...5)
    let x = try inputs.required(1)
    try x.check(1, holds: .float32)
    try x.check(1, rank: 2...8)
    try inputs.required(0).check(0, shape: x.shape, "the gradient")
    return [x.type] + (0..<2).map { _ in TensorType(.float32, [x.shape[1]]) }
  }

  func forward(_ call: OperatorCall) throws {
    let planes = ChannelSums(call.outputs[0].shape)
    let inputs = try (0..<5).map { try call.input($0).words(as: Float.self) }
    let outputs = call.outputs.map { $0.words(as: Float.self) }
    let (dy, x) = (UnsafePointer(inputs[0]), UnsafePointer(inputs[1]))
    call.pool.forEach(planes.channels) { channel in
      let (mean, inverse) = (inputs[3][channel], inputs[4][channel])
      let shift = planes.sum(channel, of: dy)
      let scale = planes.product(channel, of: dy, with: x, shift: mean) * Double(inverse)
      outputs[1][channel] = Float(scale)
      outputs[2][channel] = Float(shift)
      // γs(∂y − m₀ − (x − μ)s·m₁) = γs·∂y − γs²m₁·x + γs(sμm₁ − m₀)
      let factor = Double(inputs[2][channel]) * Double(inverse)
      let meanScale = scale / Double(planes.count) * Double(inverse)
      let offset = factor * (Double(mean) * meanScale - shift / Double(planes.count))
      planes.blend(
        channel, of: dy, with: x, to: outputs[0], ofA: Float(factor),
        ofB: Float(-factor * meanScale), offset: Float(offset))
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0, 1]) }
}
