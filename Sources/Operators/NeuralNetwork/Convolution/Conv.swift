import GraphIR
import Kernels
import Tensors

/// Cross-correlation of a batch of images: `y[n,o] = bias[o] + Σᵢ x[n,i] ⋆ w[o,i]`.
///
/// Inputs: x `[N, I, (H,) W]`, w `[O, I / groups, (kH,) kW]`, optionally bias `[O]`.
struct Conv: PreparedOperator, CostedOperator, WeightedOperator {
  static let opType = "Conv"

  let weightSlots = [WeightSlot(input: 1, outputAxis: 0, inputAxis: 1)]

  let rule: ConvolutionRule

  init(attributes: Attributes, opset: Int) throws {
    rule = try ConvolutionRule(attributes)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try rule.inferTypes(inputs, residual: .none)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    try rule.kernel(site, epilogue: Epilogue())
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    rule.macs(x: inputs[0], w: inputs[1])
  }
}
