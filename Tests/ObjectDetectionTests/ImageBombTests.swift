import Foundation
import ObjectDetection
import TestSupport
import Testing

/// Small image files within the limit of pixels that would take minutes or gigabytes.
@Suite struct ImageBombTests {
  /// The markers of a JPEG file of three components, whose scans hold nothing.
  private static func jpeg(
    frame: UInt8, width: Int, height: Int, sampling: UInt8 = 0x11, scans: Int, inScan: UInt8 = 1
  ) -> Data {
    func bytes(_ number: Int) -> [UInt8] {
      [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
    }
    var file: [UInt8] = [0xff, 0xd8]
    // A comment that looks like scans must not be taken for any.
    file += [0xff, 0xfe] + bytes(8) + [0xff, 0xda, 0xff, 0xda, 0xff, 0xda]
    file += [0xff, 0xdb] + bytes(67) + [0] + [UInt8](repeating: 1, count: 64)
    file += [0xff, frame] + bytes(17) + [8] + bytes(height) + bytes(width)
    file += [3, 1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0]
    file += [0xff, 0xc4] + bytes(20) + [0] + [1] + [UInt8](repeating: 0, count: 15) + [0]
    var places: [UInt8] = []
    for component in 1...inScan { places += [component, 0] }
    let header: [UInt8] = [0xff, 0xda] + bytes(6 + places.count) + [inScan]
    for _ in 0..<scans {
      file += header
      file += places
      // Stuffed bytes and restarts belong to the scan.
      file += [0, 0, 0, 0, 0xff, 0, 0xff, 0xd0, 0]
    }
    return Data(file + [0xff, 0xd9])
  }

  @Test(arguments: [
    (jpeg(frame: 0xc2, width: 8000, height: 8000, scans: 400), "scans"),
    (jpeg(frame: 0xc0, width: 8000, height: 8000, scans: 400), "scans"),
    (jpeg(frame: 0xc2, width: 16, height: 16, scans: 1001), "scans"),
    (jpeg(frame: 0xc2, width: 13_377, height: 13_377, scans: 1), "decoding would take"),
    (jpeg(frame: 0xc0, width: 13_377, height: 13_377, scans: 1), "decoding would take"),
    (
      jpeg(frame: 0xc2, width: 13_377, height: 13_377, sampling: 0x22, scans: 10),
      "decoding would take"
    ),
  ])
  func aBombIsRefusedUnseen(file: Data, reason: String) {
    let seconds = processorSeconds {
      #expect {
        try ImageFile.decode(file, file: "bomb.jpg")
      } throws: { error in
        "\(error)".hasPrefix("bomb.jpg: ") && "\(error)".contains(reason)
      }
    }
    #expect(seconds < 2)
  }

  /// One scan of all components is decoded row by row, whatever its size.
  @Test func anOrdinaryFrameIsLeftToTheDecoder() {
    let file = Self.jpeg(frame: 0xc0, width: 4000, height: 4000, scans: 1, inScan: 3)
    #expect {
      try ImageFile.decode(file, file: "plain.jpg")
    } throws: { error in
      !"\(error)".contains("scans") && !"\(error)".contains("would take")
    }
  }
}
