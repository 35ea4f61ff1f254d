import CKernels

/// An instruction set that this CPU has and that there are kernels for.
///
/// It belongs to a family, the architecture whose CPUs know it. Sets are not compared with one
/// another: each family says in which order it prefers its own.
public struct InstructionSet: @unchecked Sendable, Hashable, CustomStringConvertible {
  /// The architecture whose CPUs know a set.
  public enum Family: String, Sendable {
    /// Any CPU.
    case portable
    /// x86-64.
    case x86
    /// AArch64.
    case arm
  }

  private let declaration: UnsafePointer<ck_instruction_set>

  /// The sets that this CPU has: those of its family, the preferred ones first, then ``portable``.
  public static let supported: [InstructionSet] = {
    var sets: [InstructionSet] = []
    while let set = ck_supported_set(sets.count) { sets.append(InstructionSet(set)) }
    return sets
  }()

  /// The one that kernels run on unless told otherwise.
  public static let best = supported[0]

  /// The one that every CPU has.
  public static let portable = supported[supported.count - 1]

  private init(_ declaration: UnsafePointer<ck_instruction_set>) {
    self.declaration = declaration
  }

  /// Its name.
  public var description: String { String(cString: declaration.pointee.name) }

  /// Its family.
  public var family: Family {
    switch declaration.pointee.family {
    case CK_X86: .x86
    case CK_ARM: .arm
    default: .portable
    }
  }

  /// Its kernels on floats.
  var kernels: UnsafePointer<ck_kernels> { declaration.pointee.kernels }

  /// Its kernels that carry gradients back.
  var gradientKernels: UnsafePointer<ck_gradient_kernels> { declaration.pointee.gradientKernels }

  /// Its kernels on 8-bit integers.
  var integerKernels: UnsafePointer<ck_int8_kernels> { declaration.pointee.int8Kernels }
}
