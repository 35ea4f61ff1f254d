/// The width of text in Helvetica, a font that every PDF reader has.
///
/// Widths are those of Adobe's font metrics, in thousandths of the size.
enum Helvetica {
  /// The width of a text in points.
  static func width(_ text: String, size: Double, isBold: Bool = false) -> Double {
    let units = text.unicodeScalars.reduce(0) { $0 + width($1) }
    return Double(units) * size / 1000 * (isBold ? boldFactor : 1)
  }

  /// The width to keep free for a text, because viewers without Helvetica may show a wider font.
  static func room(_ text: String, size: Double) -> Double { 1.18 * width(text, size: size) }

  /// A text that takes at most a width, cut in its middle where it is longer.
  static func fitting(_ text: String, _ width: Double, size: Double) -> String {
    var (start, end) = (text.count / 2, text.count / 2)
    var fitted = text
    while room(fitted, size: size) > width, start > 0 {
      (start, end) = (start - 1, min(text.count, end + 1))
      fitted = text.prefix(start) + "…" + text.suffix(text.count - end)
    }
    return fitted
  }

  /// The factor by which bold letters are wider, about.
  private static let boldFactor = 1.07

  private static func width(_ scalar: Unicode.Scalar) -> Int {
    let code = Int(scalar.value)
    if (32..<127).contains(code) { return ascii[code - 32] }
    switch scalar {
    case "×", "±", "−", "≤", "≥": return 584
    case "²", "³", "·": return 333
    case "…", "—", "→": return 1000
    case "Δ": return 612
    default: return 556
    }
  }

  private static let ascii = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
  ]
}
