import CKernels
import Tensors

/// The sum or product of two 8-bit quantised values, quantised again.
///
/// `y = round(a · s_a / s_y + b · s_b / s_y) + z_y` and `y = round(a · b · (s_a s_b / s_y)) + z_y`,
/// where a and b are counted from their zero points; float32, each operation rounded by itself, so
/// that all instruction sets agree.
public struct QuantizedCombination: @unchecked Sendable {
  /// What is done with the two.
  public enum Operation: Sendable {
    case add
    case multiply
  }

  /// How one value's bytes are read or written.
  public struct Quantity: Sendable {
    /// Scale and zero point.
    public var parameters: QuantizationParameters
    /// Whether the bytes are `Int8`, not `UInt8`.
    public var isSigned: Bool

    /// A value quantised with the given parameters.
    public init(_ parameters: QuantizationParameters, isSigned: Bool) {
      (self.parameters, self.isSigned) = (parameters, isSigned)
    }
  }

  private let call: CallTemplate
  private let kernels: UnsafePointer<ck_int8_kernels>

  private struct CallTemplate: @unchecked Sendable { var value: ck_int8_combination }

  /// A combination of values quantised as given.
  public init(
    _ operation: Operation, _ a: Quantity, _ b: Quantity, into y: Quantity,
    instructionSet: InstructionSet = .best
  ) {
    var call = ck_int8_combination()
    call.operation = operation == .add ? CK_INT8_ADD : CK_INT8_MULTIPLY
    let (sa, sb, sy) = (a.parameters.scale, b.parameters.scale, y.parameters.scale)
    call.scaleA = operation == .add ? sa / sy : sa * sb / sy
    call.scaleB = sb / sy
    (call.zeroA, call.zeroB) = (a.parameters.zeroPoint, b.parameters.zeroPoint)
    call.zeroY = y.parameters.zeroPoint
    (call.signedA, call.signedB, call.signedY) = (
      a.isSigned ? 1 : 0, b.isSigned ? 1 : 0, y.isSigned ? 1 : 0
    )
    self.call = CallTemplate(value: call)
    kernels = instructionSet.integerKernels
  }

  /// Combines `count` bytes; a step of 0 repeats the first of an operand.
  public func run(
    _ a: UnsafeRawPointer, step stepA: Int = 1, _ b: UnsafeRawPointer, step stepB: Int = 1,
    to y: UnsafeMutableRawPointer, count: Int
  ) {
    guard count > 0 else { return }
    var call = call.value
    call.a = a.assumingMemoryBound(to: UInt8.self)
    call.b = b.assumingMemoryBound(to: UInt8.self)
    call.y = y.assumingMemoryBound(to: UInt8.self)
    (call.stepA, call.stepB, call.count) = (stepA, stepB, count)
    kernels.pointee.combine(&call)
  }
}
