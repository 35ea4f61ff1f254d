import Foundation
import Tensors

/// The frame of a JPEG file and how many scans fill it, read from its markers alone.
///
/// Reference: ITU-T T.81, annex B.
struct JPEGStructure {
  /// Whether scans refine one another.
  private(set) var isProgressive = false
  /// The number of scans, each a pass over coefficients.
  ///
  /// Counted only where the first does not hold the whole image.
  private(set) var scans = 0
  /// The coefficients of all components, padded to whole blocks.
  private(set) var coefficients = 0
  private var componentCount = 0

  /// Whether a decoder keeps all coefficients until the last scan.
  private(set) var keepsCoefficients = false

  /// Walks over the markers of a file.
  ///
  /// Invalid markers are left to the decoder to report.
  init(_ bytes: UnsafeRawBufferPointer) {
    var offset = 2
    while let marker = Self.nextMarker(bytes, &offset) {
      switch marker {
      case 0xd8, 0x01, 0xd0...0xd7: continue
      case 0xd9: return
      default: break
      }
      guard offset + 2 <= bytes.count else { return }
      let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
      guard length >= 2, offset + length <= bytes.count else { return }
      let body = UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<offset + length])
      offset += length
      switch marker {
      // The frames of all codings. C4, C8 and CC are left out: they are tables and an extension.
      case 0xc0...0xc3, 0xc5...0xc7, 0xc9...0xcb, 0xcd...0xcf: readFrame(body, marker)
      case 0xda:
        scans += 1
        let inScan = body.first.map(Int.init) ?? 0
        if scans == 1 { keepsCoefficients = isProgressive || inScan < componentCount }
        guard keepsCoefficients, scans <= ImageLimits.scans else { return }
      default: continue
      }
    }
  }

  /// The marker after `offset`, past fill bytes and compressed data.
  private static func nextMarker(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt8? {
    while offset + 1 < bytes.count {
      guard let base = bytes.baseAddress,
        let found = memchr(base + offset, 0xff, bytes.count - offset - 1)
      else { return nil }
      offset = UnsafeRawPointer(found) - base + 1
      while offset < bytes.count, bytes[offset] == 0xff { offset += 1 }
      guard offset < bytes.count else { return nil }
      offset += 1
      if bytes[offset - 1] != 0 { return bytes[offset - 1] }
    }
    return nil
  }

  private mutating func readFrame(_ body: UnsafeRawBufferPointer, _ marker: UInt8) {
    guard body.count >= 6, body.count >= 6 + 3 * Int(body[5]) else { return }
    func number(_ at: Int) -> Int { Int(body[at]) << 8 | Int(body[at + 1]) }
    let (height, width) = (number(1), number(3))
    componentCount = Int(body[5])
    isProgressive = [0xc2, 0xc6, 0xca, 0xce].contains(marker)
    let samplings = (0..<componentCount).map { index -> (Int, Int) in
      let factors = body[7 + 3 * index]
      return (max(1, Int(factors >> 4)), max(1, Int(factors & 15)))
    }
    let (across, down) = (samplings.map(\.0).max() ?? 1, samplings.map(\.1).max() ?? 1)
    let blocks = samplings.map { horizontal, vertical in
      let columns = (width + 8 * across - 1) / (8 * across) * horizontal
      let rows = (height + 8 * down - 1) / (8 * down) * vertical
      return columns * rows
    }
    coefficients = 64 * blocks.reduce(0, +)
  }

  /// Refuses a file that would take a decoder too much time or memory.
  ///
  /// - Parameter pixelBytes: The bytes of the decoded pixels.
  /// - Throws: ``ImageError/damaged(file:reason:)``.
  func check(pixelBytes: Int, file: String) throws {
    let visits = keepsCoefficients ? scans * coefficients : 0
    guard scans <= ImageLimits.scans, visits <= ImageLimits.coefficientVisits else {
      throw ImageError.damaged(
        file: file, reason: "it has \(scans) or more scans, implausibly many for its size")
    }
    try ImageLimits.check(
      bytes: pixelBytes + (keepsCoefficients ? 2 * coefficients : 0), file: file)
  }
}
