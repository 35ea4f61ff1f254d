import Foundation
import GraphIR
import Tensors

/// The norm of what lies under a sliding window: `y = (Σ |x|^p)^(1/p)`; padding adds nothing.
///
/// Input: x `[N, C, …, W]`.
struct LpPool: PreparedOperator {
  static let opType = "LpPool"

  let rule: PoolRule
  let norm: PowerNorm

  init(attributes: Attributes, opset: Int) throws {
    rule = try PoolRule(attributes)
    norm = try PowerNorm(attributes, opset: opset)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    return [try rule.outputType(x)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = try site.inputs.required(0).shape
    let window = try rule.placed(on: shape)
    let planes = shape[0] * shape[1]
    return site.outputs[0].elementType == .float32
      ? kernel(PlainPool<Float>(window), planes) : kernel(PlainPool<Double>(window), planes)
  }

  private func kernel<Element: TensorElement & BinaryFloatingPoint>(
    _ pool: PlainPool<Element>, _ planes: Int
  ) -> Kernel {
    let norm = norm
    let count = pool.window.outputs.product
    return Kernel(algorithm: "plain") { call in
      guard let x = call.inputs[0]?.elements(as: Element.self).baseAddress else { return }
      pool.fold(
        planes: planes, from: x, into: call.outputs[0].base.assumingMemoryBound(to: Element.self),
        start: 0, pool: call.pool, { $0 + Element(norm.power(Double($1))) }
      ) { plane in
        for index in 0..<count { plane[index] = Element(norm.root(Double(plane[index]))) }
      }
    }
  }
}

extension LpPool: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}

/// The norm of numbers that attribute `p` chooses.
struct PowerNorm: Sendable {
  private let p: Double

  /// `p`, an integer since opset 2, 2 by default.
  init(_ attributes: Attributes, opset: Int) throws {
    p =
      opset < 2
      ? Double(try attributes.float("p", default: 2)) : Double(try attributes.int("p", default: 2))
    guard p >= 1, p.isFinite else {
      throw AttributeError.invalid(name: "p", reason: "is \(p), expected at least 1")
    }
  }

  /// `|x|^p`.
  func power(_ x: Double) -> Double { p == 2 ? x * x : p == 1 ? abs(x) : pow(abs(x), p) }

  /// `sum^(1/p)`.
  func root(_ sum: Double) -> Double { p == 2 ? sum.squareRoot() : p == 1 ? sum : pow(sum, 1 / p) }
}
