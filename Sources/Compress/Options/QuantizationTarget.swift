import ArgumentParser
import Evidence

/// The CPUs that a quantised model is made for.
enum QuantizationTarget: String, CaseIterable {
  /// All: the sums of no CPU saturate.
  case any
  /// The one this runs on.
  case cpu
  /// x86 with VNNI, which adds products of bytes in 32 bits.
  case x86VNNI = "x86-vnni"
  /// x86 without, which adds pairs of them in 16 bits first.
  case x86AVX2 = "x86-avx2"
  /// ARM, which adds them in 32 bits.
  case arm

  /// Whether sums of 8-bit products may saturate there.
  var saturates: Bool {
    switch self {
    case .any, .x86AVX2: true
    case .cpu: Machine.addsBytesInPairs
    case .x86VNNI, .arm: false
    }
  }

  /// The CPUs in a sentence.
  var text: String {
    switch self {
    case .any: "any CPU"
    case .cpu: Machine.addsBytesInPairs ? "this CPU, which has no VNNI" : "this CPU"
    case .x86VNNI: "x86 CPUs with VNNI"
    case .x86AVX2: "x86 CPUs without VNNI"
    case .arm: "ARM CPUs"
    }
  }
}
