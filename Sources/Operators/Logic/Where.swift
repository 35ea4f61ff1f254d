import GraphIR
import Tensors

/// The second input's element where the condition holds, the third's elsewhere; all broadcast.
struct Where: PreparedOperator, DifferentiableOperator {
  static let opType = "Where"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let condition = try inputs.required(0)
    let (x, y) = (try inputs.required(1), try inputs.required(2))
    try condition.check(0, holds: .bool)
    try x.check(1, holdsOneOf: ElementType.numbers + [.bool, .complex64])
    try y.check(2, holds: x.elementType)
    let shape = try Broadcasting.shape([condition.shape, x.shape, y.shape])
    return [try TensorType(checking: x.elementType, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let loop = BroadcastLoop(
      output: site.outputs[0].shape, try site.inputs.required(1).shape,
      try site.inputs.required(2).shape, try site.inputs.required(0).shape)
    let width = site.outputs[0].elementBytes
    return Kernel(algorithm: "") { call in
      switch width {
      case 1: try choose(UInt8.self, loop, call)
      case 2: try choose(UInt16.self, loop, call)
      case 4: try choose(UInt32.self, loop, call)
      default: try choose(UInt64.self, loop, call)
      }
    }
  }

  private func choose<Word: BitwiseCopyable>(
    _: Word.Type, _ loop: BroadcastLoop, _ call: OperatorCall
  ) throws {
    let condition = try call.input(0).words(as: UInt8.self)
    let (a, b) = (try call.input(1).words(as: Word.self), try call.input(2).words(as: Word.self))
    let (y, steps) = (call.outputs[0].words(as: Word.self), loop.steps)
    loop.forEachRow(pool: call.pool) { row in
      for index in 0..<row.count {
        y[row.output + index] =
          condition[row.c + index * steps.c] != 0
          ? a[row.a + index * steps.a] : b[row.b + index * steps.b]
      }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [1, 2]) }

  /// The gradient goes to the input that was chosen.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let zero = derivation.constant(0)
    let chosen = derivation("Where", derivation.input(0), dy, zero)
    let other = derivation("Where", derivation.input(0), zero, dy)
    return [
      nil, try derivation.folded(chosen, toInput: 1), try derivation.folded(other, toInput: 2),
    ]
  }
}

extension Where: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
