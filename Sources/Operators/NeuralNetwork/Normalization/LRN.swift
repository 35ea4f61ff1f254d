import Foundation
import GraphIR
import Tensors

/// `y = x / (bias + α / size · Σ x²)^β`, summed over the nearest `size` channels.
///
/// Reference: Krizhevsky et al., *ImageNet Classification with Deep Convolutional Neural Networks*,
/// NIPS 2012, §3.3.
struct LRN: Operator, DifferentiableOperator {
  static let opType = "LRN"

  let alpha: Float
  let beta: Float
  let bias: Float
  let size: Int

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 0.0001)
    beta = try attributes.float("beta", default: 0.75)
    bias = try attributes.float("bias", default: 1)
    size = try attributes.requiredInt("size")
    guard (1...SlidingWindow.largest).contains(size) else {
      throw AttributeError.invalid(name: "size", reason: "is \(size), not positive")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32)
    try x.check(0, rank: 2...8)
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0]?.elements(as: Float.self) else { return }
    let shape = call.outputs[0].shape
    let (channels, area) = (shape[1], shape[2...].product)
    let y = call.outputs[0].elements(as: Float.self)
    let factor = alpha / Float(size)
    call.pool.forEach(shape[0] * channels) { row in
      let channel = row % channels
      let lowest = max(0, channel - (size - 1) / 2)
      let highest = min(channels - 1, channel + size / 2)
      let first = (row - channel + lowest) * area
      for place in 0..<area {
        var sum: Float = 0
        for other in 0...highest - lowest {
          let value = x[first + other * area + place]
          sum += value * value
        }
        y[row * area + place] = x[row * area + place] * powf(bias + factor * sum, -beta)
      }
    }
  }

  /// Carries the gradient back: `∂x = ∂y · s^−β − 2αβ / size · x · Σ ∂y · x · s^(−β−1)`, the sum
  /// over the channels that read x.
  ///
  /// Sums over neighbouring channels are products with a matrix of zeros and ones.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let (channels, flat) = (shape[1], [shape[0], shape[1], shape[2...].product])
    var band = [Float](repeating: 0, count: channels * channels)
    for row in 0..<channels {
      let lowest = max(0, row - (size - 1) / 2)
      for column in lowest...min(channels - 1, row + size / 2) { band[row * channels + column] = 1 }
    }
    let neighbours = derivation.constant(Tensor(band, shape: [channels, channels]))
    let x = derivation.reshaped(derivation.input(0), to: flat)
    let dy = derivation.reshaped(derivation.gradient(), to: flat)
    let sums = derivation("MatMul", neighbours, derivation.product(x, x))
    let base = derivation(
      "Add", derivation.scaled(sums, by: alpha / Float(size)), derivation.constant(bias))
    let power = derivation("Pow", base, derivation.constant(-beta))
    let direct = derivation.product(dy, power)
    let spread = derivation("Div", derivation.product(direct, x), base)
    let read = derivation("MatMul", derivation.transposed(neighbours, [1, 0]), spread)
    let indirect = derivation.scaled(
      derivation.product(x, read), by: 2 * alpha * beta / Float(size))
    return [derivation.reshaped(derivation("Sub", direct, indirect), to: shape)]
  }
}
