import Foundation
import GraphIR
import Tensors

/// The first number to the power of the second; the result has the first one's type.
struct Pow: PreparedOperator, DifferentiableOperator {
  static let opType = "Pow"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (base, exponent) = (try inputs.required(0), try inputs.required(1))
    try base.check(0, holdsOneOf: ElementType.numbers)
    try exponent.check(1, holdsOneOf: ElementType.numbers)
    let shape = try Broadcasting.shape([base.shape, exponent.shape])
    return [try TensorType(checking: base.elementType, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (base, exponent) = (try site.inputs.required(0), try site.inputs.required(1))
    let loop = BroadcastLoop(output: site.outputs[0].shape, base.shape, exponent.shape)
    return Kernel(algorithm: "") { call in
      try base.elementType.dispatch(
        PowWork(
          base: try call.input(0), exponent: try call.input(1), y: call.outputs[0], loop: loop,
          pool: call.pool))
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  /// Carries the gradient back: `∂a = ∂y · b · a^{b−1}`, `∂b = ∂y · y · ln a`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let (base, exponent) = (derivation.input(0), derivation.input(1))
    var results: [String?] = [nil, nil]
    if derivation.wants(0) {
      let less = derivation("Sub", exponent, derivation.constant(1))
      let slope = derivation.product(exponent, derivation("Pow", base, less))
      results[0] = try derivation.folded(derivation.product(dy, slope), toInput: 0)
    }
    if derivation.wants(1) {
      let slope = derivation.product(derivation.output(0), derivation("Log", base))
      results[1] = try derivation.folded(derivation.product(dy, slope), toInput: 1)
    }
    return results
  }
}

/// The loop of `Pow` for each type of base.
private struct PowWork: NumberWork {
  let base: TensorView
  let exponent: TensorView
  let y: TensorView
  let loop: BroadcastLoop
  let pool: ThreadPool

  func whole<Element: WholeElement>(_: Element.Type) {
    run(Element.self, read: { Double($0) }, write: { NumberConversion.whole($0) })
  }

  func float<Element: FloatElement>(_: Element.Type) {
    run(Element.self, read: { $0.wide.double }, write: { Element(wide: .init($0)) })
  }

  private func run<Element: TensorElement>(
    _: Element.Type, read: (Element) -> Double, write: (Double) -> Element
  ) {
    let (x, y, steps) = (base.words(as: Element.self), y.words(as: Element.self), loop.steps)
    loop.forEachRow(pool: pool) { row in
      for index in 0..<row.count {
        let number = read(x[row.a + index * steps.a])
        y[row.output + index] = write(Self.power(number, exponent(row.b + index * steps.b)))
      }
    }
  }

  private static func power(_ base: Double, _ exponent: Double) -> Double {
    switch exponent {
    case 1: base
    case 2: base * base
    case 0.5 where base > 0: base.squareRoot()
    default: pow(base, exponent)
    }
  }

  @inline(__always)
  private func exponent(_ index: Int) -> Double {
    switch exponent.elementType {
    case .float32: Double(exponent.words(as: Float.self)[index])
    case .int64: Double(exponent.words(as: Int64.self)[index])
    default: NumberConversion.double(exponent, index)
    }
  }
}

extension Pow: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
