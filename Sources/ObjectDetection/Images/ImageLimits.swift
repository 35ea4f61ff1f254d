import Tensors

/// Limits on the cost of decoding one image, because a small file can cause very much work.
enum ImageLimits {
  /// The most bytes: pixels of three channels within ``ImageFile/pixelLimit``, with what a decoder
  /// keeps beside them.
  static let bytes = 900_000_000
  /// The most coefficients that the scans of a JPEG file may go over.
  static let coefficientVisits = 8_000_000_000
  /// The most scans of a JPEG file; ten are usual.
  static let scans = 1000

  /// Refuses an image that would take too much.
  ///
  /// - Throws: ``ImageError/damaged(file:reason:)``.
  static func check(bytes: Int, file: String) throws {
    guard bytes <= Self.bytes else {
      throw ImageError.damaged(
        file: file,
        reason:
          "decoding would take \(ByteText.text(bytes)), more than \(ByteText.text(Self.bytes))")
    }
    do {
      try MachineMemory.require(bytes, for: "its pixels")
    } catch {
      throw ImageError.damaged(file: file, reason: "\(error)")
    }
  }
}
