import GraphIR
import Tensors

/// `x − ln Σ eˣ` along one axis; before opset 13 along all axes from `axis` on, taken as one.
struct LogSoftmax: PreparedOperator {
  static let opType = "LogSoftmax"

  let rule: SoftmaxRule

  init(attributes: Attributes, opset: Int) throws {
    rule = try SoftmaxRule(attributes, opset: opset, isLogarithm: true)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? { try rule.inferTypes(inputs) }

  func prepare(_ site: PreparationSite) throws -> Kernel { try rule.kernel(site) }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }
}
