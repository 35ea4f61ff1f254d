import Foundation

/// Numbers of bytes as text for people.
public enum ByteText {
  /// Bytes in units of 10⁶, from 10⁹ on in units of 10⁹: `17.2 GB`.
  public static func text(_ bytes: Int) -> String {
    bytes < 1_000_000_000
      ? String(format: "%.1f MB", Double(bytes) / 1e6)
      : String(format: "%.1f GB", Double(bytes) / 1e9)
  }
}
