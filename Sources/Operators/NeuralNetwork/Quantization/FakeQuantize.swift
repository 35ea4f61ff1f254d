import Foundation
import GraphIR
import Kernels
import Tensors

/// Floats rounded to what integers stand for: `s · (clamp(round(x / s) + z, lowest, highest) − z)`,
/// with `s = 2^e`.
///
/// The engine's own operator, for training what will be quantised; files of others never hold it.
/// Inputs: x, float32, and e, one number or one for each index of `axis`. Attributes: `lowest`,
/// `highest`, `zero_point` (0), `axis` (0).
///
/// The gradient passes straight through rounding (Bengio et al. 2013, arXiv:1308.3432) and the step
/// is learnt: Esser et al., *Learned Step Size Quantization*, ICLR 2020, arXiv:1902.08153. As in
/// Jain et al., *Trained Quantization Thresholds*, MLSys 2020, arXiv:1903.08066, the step is learnt
/// by its logarithm, so that one learning rate suits steps of all magnitudes; the factor `1/√(N q)`
/// of the former paper is left out for that. The zero point is not learnt.
struct FakeQuantize: PreparedOperator, DifferentiableOperator {
  static let opType = "FakeQuantize"
  static let domain = "compress"

  let rule: FakeQuantizationRule
  private let attributes: Attributes

  init(attributes: Attributes, opset: Int) throws {
    rule = try FakeQuantizationRule(attributes)
    self.attributes = attributes
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (x, exponents) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32)
    _ = try rule.runs(x.shape, exponents)
    return [x.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let runs = try rule.runs(
      try site.inputs.required(0).shape, try site.inputs.required(1))
    let rule = rule
    return Kernel(algorithm: "") { call in
      let exponents = try call.input(1).words(as: Float.self)
      guard let x = try call.input(0).elements(as: Float.self).baseAddress,
        let y = call.outputs[0].elements(as: Float.self).baseAddress
      else { return }
      call.pool.forEach(runs.count) { index in
        let run = runs[index]
        FakeQuantization.round(
          x + run.start, to: y + run.start, count: run.count, rule.grid(exponents[run.exponent]))
      }
    }
  }

  /// Carries the gradient back, see ``FakeQuantizeGradient``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let gradients = derivation.append(
      FakeQuantizeGradient.opType, domain: FakeQuantizeGradient.domain,
      [derivation.gradient(), derivation.input(0), derivation.input(1)], outputs: 2,
      attributes: attributes)
    return [gradients[0], derivation.wants(1) ? gradients[1] : nil]
  }
}

extension FakeQuantize: IntegerOperator {
  static var integerRole: IntegerRole { .fake }
}

extension FakeQuantize: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    inputs.optional(1)?.type.count == 1 ? .aligned : nil
  }
}

/// What ``FakeQuantize`` and its gradient have in common.
struct FakeQuantizationRule: Sendable {
  private let range: ClosedRange<Int32>
  private let zeroPoint: Int32
  private let axis: Int

  init(_ attributes: Attributes) throws {
    let limits = -32_768...65_535
    func whole(_ name: String, _ fallback: Int) throws -> Int {
      let value = try attributes.int(name, default: fallback)
      guard limits.contains(value) else {
        throw AttributeError.invalid(name: name, reason: "is \(value), beyond 16 bits")
      }
      return value
    }
    let (lowest, highest) = (try whole("lowest", 0), try whole("highest", 255))
    guard lowest < highest else {
      throw AttributeError.invalid(name: "highest", reason: "is \(highest), not above \(lowest)")
    }
    range = Int32(lowest)...Int32(highest)
    zeroPoint = Int32(try whole("zero_point", 0))
    axis = try attributes.int("axis", default: 0)
  }

  /// Elements one after the other that share a step.
  struct Run: Sendable {
    var start: Int
    var count: Int
    /// The index of the step.
    var exponent: Int
  }

  /// The elements below which a run is not divided.
  private static let grain = 1 << 14

  /// The runs of a tensor, in order; their extents depend on its shape alone.
  func runs(_ shape: [Int], _ exponents: Operand) throws -> [Run] {
    try exponents.check(1, holds: .float32)
    let count = shape.product
    guard exponents.type.count != 1 else {
      return stride(from: 0, to: count, by: Self.grain).map {
        Run(start: $0, count: min(Self.grain, count - $0), exponent: 0)
      }
    }
    guard shape.indices.contains(axis) else {
      throw AttributeError.invalid(name: "axis", reason: "is \(axis), the input has \(shape.count)")
    }
    try exponents.check(1, shape: [shape[axis]], "the exponents")
    let inner = shape[(axis + 1)...].product
    guard inner > 0 else { return [] }
    return stride(from: 0, to: count, by: inner).map {
      Run(start: $0, count: inner, exponent: $0 / inner % shape[axis])
    }
  }

  /// The numbers that a step allows.
  func grid(_ exponent: Float) -> FakeQuantization.Grid {
    FakeQuantization.Grid(scale: exp2(exponent), zeroPoint: zeroPoint, range: range)
  }
}

extension FakeQuantize: ParameterizedOperator, AliasOperator {
  var parameterSlots: [ParameterSlot] { [ParameterSlot(input: 1, role: .normalisation)] }

  static var isExact: Bool { false }
}

extension FakeQuantize: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { [] }
}
