import GraphIR
import Tensors

/// The norm of each channel of each image, `(Σ |x|^p)^(1/p)`: `[N, C, …]` to `[N, C, 1, …]`.
struct GlobalLpPool: Operator {
  static let opType = "GlobalLpPool"

  private let norm: PowerNorm

  init(attributes: Attributes, opset: Int) throws {
    norm = try PowerNorm(attributes, opset: opset)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    [try GlobalPool.outputType(inputs)]
  }

  func forward(_ call: OperatorCall) throws {
    if call.outputs[0].elementType == .float32 {
      forward(call, Float.self)
    } else {
      forward(call, Double.self)
    }
  }

  private func forward<Element: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Element.Type
  ) {
    guard let view = call.inputs[0] else { return }
    let (x, y) = (view.elements(as: Element.self), call.outputs[0].elements(as: Element.self))
    let run = view.shape[2...].product
    call.pool.forEach(y.count) { row in
      let sum = x[row * run..<(row + 1) * run].reduce(0) { $0 + norm.power(Double($1)) }
      y[row] = Element(norm.root(sum))
    }
  }
}

extension GlobalLpPool: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}
