import GraphIR
import Kernels
import Tensors

/// The sum of a value `[N, C, …]` over all axes but the channels', `[C]`: the gradient of a bias.
///
/// The engine's own operator, which only derivatives make.
struct ChannelSum: Operator {
  static let opType = "ChannelSum"
  static let domain = "compress"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32)
    try x.check(0, rank: 2...8)
    return [TensorType(.float32, [x.shape[1]])]
  }

  func forward(_ call: OperatorCall) throws {
    let input = try call.input(0)
    let x = UnsafePointer(input.words(as: Float.self))
    let planes = ChannelSums(input.shape)
    let sums = call.outputs[0].words(as: Float.self)
    call.pool.forEach(planes.channels) { sums[$0] = Float(planes.sum($0, of: x)) }
  }
}
