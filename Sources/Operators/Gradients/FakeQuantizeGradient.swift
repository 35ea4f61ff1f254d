import Foundation
import GraphIR
import Kernels
import Tensors

/// The gradients of ``FakeQuantize``: of x, and of the exponent of the step.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y`, x and e. Outputs: `∂x` and
/// `∂e = ∂s · s · ln 2`. Attributes: those of ``FakeQuantize``.
struct FakeQuantizeGradient: PreparedOperator {
  static let opType = "FakeQuantizeGradient"
  static let domain = "compress"

  private let rule: FakeQuantizationRule

  init(attributes: Attributes, opset: Int) throws { rule = try FakeQuantizationRule(attributes) }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let (gradient, x) = (try inputs.required(0), try inputs.required(1))
    let exponents = try inputs.required(2)
    try gradient.check(0, holds: .float32)
    try gradient.check(0, shape: x.shape, "the gradient")
    try x.check(1, holds: .float32)
    _ = try rule.runs(x.shape, exponents)
    return [x.type, exponents.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let exponents = try site.inputs.required(2)
    let runs = try rule.runs(try site.inputs.required(1).shape, exponents)
    let steps = exponents.type.count
    let rule = rule
    return Kernel(algorithm: "", scratchBytes: 8 * (runs.count + steps)) { call in
      let exponents = try call.input(2).words(as: Float.self)
      guard let dy = try call.input(0).elements(as: Float.self).baseAddress,
        let x = try call.input(1).elements(as: Float.self).baseAddress,
        let dx = call.outputs[0].elements(as: Float.self).baseAddress
      else { return }
      let parts = call.scratch.assumingMemoryBound(to: Double.self)
      call.pool.forEach(runs.count) { index in
        let run = runs[index]
        parts[index] = FakeQuantization.gradient(
          of: dy + run.start, at: x + run.start, to: dx + run.start, count: run.count,
          rule.grid(exponents[run.exponent]))
      }
      let sums = parts + runs.count
      sums.update(repeating: 0, count: steps)
      for (index, run) in runs.enumerated() { sums[run.exponent] += parts[index] }
      let result = call.outputs[1].words(as: Float.self)
      for step in 0..<steps {
        result[step] = Float(sums[step] * Double(exp2(exponents[step])) * 0.693_147_180_559_945_3)
      }
    }
  }
}
