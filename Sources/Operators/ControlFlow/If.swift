import GraphIR
import Tensors

/// One of two graphs without inputs, `then_branch` where the condition holds, else `else_branch`.
struct If: SubgraphOperator {
  static let opType = "If"

  let branches: (then: Graph, otherwise: Graph)

  init(attributes: Attributes, opset: Int) throws {
    branches = (
      try attributes.requiredGraph("then_branch"), try attributes.requiredGraph("else_branch")
    )
    guard branches.then.outputs.count == branches.otherwise.outputs.count else {
      throw AttributeError.invalid(
        name: "else_branch", reason: "has another number of outputs than 'then_branch'")
    }
  }

  private func branch(_ condition: Bool) -> Graph {
    condition ? branches.then : branches.otherwise
  }

  func inline(_ inlining: inout Inlining) throws -> Bool {
    try inlining.inputs.checkCount(1...1)
    let condition = try inlining.inputs.required(0)
    guard let value = try condition.constantFlag(0) else { return false }
    let outputs = try inlining.copy(branch(value), arguments: [])
    for (index, name) in outputs.enumerated() { inlining.set(output: index, to: name) }
    return true
  }

  func evaluate(_ inputs: [Tensor?], running run: SubgraphRun) throws -> [Tensor] {
    let inputs = inputs.map { $0.map { Operand(constant: $0) } }
    try inputs.checkCount(1...1)
    return try run(branch(try inputs.required(0).constantFlag(0) ?? false), [])
  }
}

extension Operand {
  /// The one truth value of a constant operand; `nil` when the operand is not constant.
  func constantFlag(_ input: Int) throws -> Bool? {
    try check(input, holds: .bool)
    guard type.count == 1 else {
      throw OperatorError.shape(input: input, found: shape, reason: "is not one truth value")
    }
    return constant?.elements(as: Bool.self).first
  }
}
