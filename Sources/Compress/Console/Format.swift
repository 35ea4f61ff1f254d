import Foundation

/// Numbers as people read them.
enum Format {
  /// Bytes in units of 10⁶.
  static func megabytes(_ bytes: Int) -> String { String(format: "%.2f MB", Double(bytes) / 1e6) }

  /// A count with a unit prefix: `1.23 M`.
  static func count(_ value: Int) -> String {
    switch value {
    case 1_000_000_000...: String(format: "%.2f G", Double(value) / 1e9)
    case 1_000_000...: String(format: "%.2f M", Double(value) / 1e6)
    case 10_000...: String(format: "%.1f k", Double(value) / 1e3)
    default: "\(value)"
    }
  }

  /// A fraction in percent.
  static func percent(_ fraction: Double) -> String { String(format: "%.1f %%", 100 * fraction) }

  /// A duration in milliseconds.
  static func milliseconds(_ value: Double) -> String { String(format: "%.2f ms", value) }

  /// A number near zero, of which the size matters.
  static func small(_ value: Double) -> String { String(format: "%.1e", value) }

  /// A metric of the COCO kind; a dash where there is nothing to measure.
  static func metric(_ value: Double) -> String { value < 0 ? "–" : String(format: "%.4f", value) }
}
