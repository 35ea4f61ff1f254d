import Tensors

/// One of the 8-bit floating-point formats.
///
/// Reference: Micikevicius et al., *FP8 Formats for Deep Learning*, arXiv:2209.05433; for those
/// without infinities and negative zero Noune et al., *8-bit Numerical Formats for Deep Neural
/// Networks*, arXiv:2206.02915.
struct Float8Format: Sendable {
  /// The numbers of the codes 0 to 127, ascending; what is beyond the largest is left out.
  private let magnitudes: [Double]
  private let hasInfinity: Bool
  /// Whether the code of −0 stands for NaN.
  private let hasOneZero: Bool

  static let e4m3fn = Float8Format(fraction: 3, bias: 7, hasInfinity: false, hasOneZero: false)
  static let e4m3fnuz = Float8Format(fraction: 3, bias: 8, hasInfinity: false, hasOneZero: true)
  static let e5m2 = Float8Format(fraction: 2, bias: 15, hasInfinity: true, hasOneZero: false)
  static let e5m2fnuz = Float8Format(fraction: 2, bias: 16, hasInfinity: false, hasOneZero: true)

  /// The format of an element type; `nil` for other types.
  static func of(_ type: ElementType) -> Float8Format? {
    switch type {
    case .float8e4m3fn: e4m3fn
    case .float8e4m3fnuz: e4m3fnuz
    case .float8e5m2: e5m2
    case .float8e5m2fnuz: e5m2fnuz
    default: nil
    }
  }

  private init(fraction: Int, bias: Int, hasInfinity: Bool, hasOneZero: Bool) {
    // Infinity and NaN take the last codes.
    let taken = hasOneZero ? 0 : hasInfinity ? 1 << fraction : 1
    magnitudes = (0..<128 - taken).map { code in
      let (exponent, rest) = (code >> fraction, code & ((1 << fraction) - 1))
      let whole = exponent == 0 ? rest : rest + 1 << fraction
      return Double(sign: .plus, exponent: max(exponent, 1) - bias - fraction, significand: 1)
        * Double(whole)
    }
    (self.hasInfinity, self.hasOneZero) = (hasInfinity, hasOneZero)
  }

  /// The number that a code stands for.
  func value(_ code: UInt8) -> Double {
    if hasOneZero, code == 0x80 { return .nan }
    let place = Int(code & 0x7f)
    let isInfinite = hasInfinity && place == magnitudes.count
    let magnitude = isInfinite ? .infinity : place < magnitudes.count ? magnitudes[place] : .nan
    return code & 0x80 == 0 ? magnitude : -magnitude
  }

  /// The code of the nearest number, ties to even; what is too large becomes the largest where it
  /// saturates, else infinity or NaN.
  func code(_ value: Double, saturates: Bool) -> UInt8 {
    let sign: UInt8 = value.sign == .minus ? 0x80 : 0
    if value.isNaN { return hasOneZero ? 0x80 : 0x7f | sign }
    let magnitude = abs(value)
    let last = magnitudes.count - 1
    let next = 2 * magnitudes[last] - magnitudes[last - 1]
    let middle = (magnitudes[last] + next) / 2
    let fits = magnitude < middle || magnitude == middle && last % 2 == 0
    if !fits || value.isInfinite {
      if saturates { return UInt8(last) | sign }
      if hasInfinity { return UInt8(magnitudes.count) | sign }
      return hasOneZero ? 0x80 : 0x7f | sign
    }
    let code = nearest(magnitude)
    return hasOneZero && code == 0 ? 0 : code | sign
  }

  private func nearest(_ magnitude: Double) -> UInt8 {
    var (low, high) = (0, magnitudes.count - 1)
    if magnitude >= magnitudes[high] { return UInt8(high) }
    while high - low > 1 {
      let middle = (low + high) / 2
      if magnitudes[middle] <= magnitude { low = middle } else { high = middle }
    }
    let (below, above) = (magnitude - magnitudes[low], magnitudes[high] - magnitude)
    return UInt8(below < above || below == above && low % 2 == 0 ? low : high)
  }
}
