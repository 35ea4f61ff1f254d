import GraphIR
import Tensors

/// Batch normalisation by the statistics of the batch itself, as in training.
///
/// The engine's own operator, which only ``UseBatchStatistics`` makes. Inputs: those of ``BatchNormalization``. Outputs:
/// y; the batch's mean and `1 / √(variance + ε)` `[C]`; the running mean and variance after this batch,
/// `(1 − momentum)·old + momentum·batch`, the variance unbiased as PyTorch keeps it. Attributes: `epsilon`, `momentum`.
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
    let planes = ChannelPlanes(call.outputs[0].shape)
    let inputs = try (0..<5).map { try call.input($0).words(as: Float.self) }
    let outputs = call.outputs.map { $0.words(as: Float.self) }
    let count = Double(planes.count)
    call.pool.forEach(planes.channels) { channel in
      let mean = planes.sum(channel) { Double(inputs[0][$0]) } / count
      let variance =
        planes.sum(channel) { place in
          let centred = Double(inputs[0][place]) - mean
          return centred * centred
        } / count
      let inverse = 1 / (variance + epsilon).squareRoot()
      let factor = Float(Double(inputs[1][channel]) * inverse)
      let offset = Float(Double(inputs[2][channel]) - Double(factor) * mean)
      planes.forEach(channel) { outputs[0][$0] = inputs[0][$0] * factor + offset }
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
/// With `x̂ = (x − μ)·s` and means over the batch's elements of a channel: `∂β = Σ ∂y`, `∂γ = Σ ∂y·x̂`,
/// `∂x = γ s (∂y − mean(∂y) − x̂·mean(∂y·x̂))`. Inputs: `∂y`, x, γ, μ, s. Outputs: `∂x`, `∂γ`, `∂β`.
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
    let planes = ChannelPlanes(call.outputs[0].shape)
    let inputs = try (0..<5).map { try call.input($0).words(as: Float.self) }
    let outputs = call.outputs.map { $0.words(as: Float.self) }
    let (dy, x) = (inputs[0], inputs[1])
    call.pool.forEach(planes.channels) { channel in
      let (mean, inverse) = (inputs[3][channel], inputs[4][channel])
      let shift = planes.sum(channel) { Double(dy[$0]) }
      let scale = planes.sum(channel) { Double(dy[$0] * ((x[$0] - mean) * inverse)) }
      outputs[1][channel] = Float(scale)
      outputs[2][channel] = Float(shift)
      let factor = inputs[2][channel] * inverse
      let (meanShift, meanScale) = (
        Float(shift / Double(planes.count)), Float(scale / Double(planes.count))
      )
      planes.forEach(channel) {
        outputs[0][$0] = factor * (dy[$0] - meanShift - (x[$0] - mean) * inverse * meanScale)
      }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0, 1]) }
}

/// The elements of one channel of a value `[N, C, …]`.
private struct ChannelPlanes {
  let batch: Int
  let channels: Int
  let plane: Int
  var count: Int { batch * plane }

  init(_ shape: [Int]) {
    (batch, channels, plane) = (shape[0], shape[1], shape[2...].product)
  }

  @inline(__always)
  func forEach(_ channel: Int, _ body: (Int) -> Void) {
    for image in 0..<batch {
      let first = (image * channels + channel) * plane
      for place in first..<first + plane { body(place) }
    }
  }

  /// The sum over the elements in four lanes of float64.
  @inline(__always)
  func sum(_ channel: Int, _ term: (Int) -> Double) -> Double {
    var lanes = SIMD4<Double>()
    for image in 0..<batch {
      let first = (image * channels + channel) * plane
      var place = 0
      while place + 4 <= plane {
        lanes += SIMD4(
          term(first + place), term(first + place + 1), term(first + place + 2),
          term(first + place + 3))
        place += 4
      }
      while place < plane {
        lanes[0] += term(first + place)
        place += 1
      }
    }
    return lanes.sum()
  }
}
