import CKernels
import Synchronization

/// The instruction set that float kernels run on.
public enum InstructionSet: Int, Sendable, CaseIterable, Comparable {
  case portable, avx2, avx512

  /// The strongest one the CPU has.
  public static let best = InstructionSet(rawValue: Int(ck_best_isa().rawValue)) ?? .portable

  /// Weaker sets come first.
  public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }

  /// The kernels of this set, or of the strongest the CPU has when it lacks this one.
  package var kernels: UnsafePointer<ck_kernels> {
    ck_kernels_for(ck_isa(rawValue: UInt32(rawValue)))
  }

  /// The kernels of this set that carry gradients back.
  var gradientKernels: UnsafePointer<ck_gradient_kernels> {
    ck_gradient_kernels_for(ck_isa(rawValue: UInt32(rawValue)))
  }
}
