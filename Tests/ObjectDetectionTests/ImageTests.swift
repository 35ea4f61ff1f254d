import Foundation
import ObjectDetection
import TestSupport
import Testing

/// Decoding and resizing against Pillow.
@Suite struct ImageTests {
  @Test(arguments: DetectionGoldens.images)
  func pixelsAreThoseOfTheReference(_ golden: DetectionGoldens.ImageCase) throws {
    let image = try ImageFile.decode(golden.file, file: golden.name)
    #expect(image.width == golden.width && image.height == golden.height)
    #expect(image.pixels == [UInt8](golden.pixels))
  }

  @Test(arguments: DetectionGoldens.images)
  func theSizeIsReadWithoutDecoding(_ golden: DetectionGoldens.ImageCase) throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "image")
    try golden.file.write(to: url)
    let size = try ImageFile.size(of: url)
    #expect(size.width == golden.width && size.height == golden.height)
    #expect(try ImageFile.load(url).width == golden.width)
  }

  @Test(arguments: DetectionGoldens.images)
  func cutFilesAreErrorsThatNameTheFile(_ golden: DetectionGoldens.ImageCase) {
    for part in [0.1, 0.5, 0.9] {
      let cut = golden.file.prefix(Int(Double(golden.file.count) * part))
      #expect {
        try ImageFile.decode(cut, file: "cut.img")
      } throws: { error in
        error is ImageError && "\(error)".hasPrefix("cut.img: ")
      }
    }
  }

  @Test func resizingIsThatOfPillow() {
    for golden in DetectionGoldens.resampling {
      let image = PixelBuffer(
        width: golden.width, height: golden.height, pixels: [UInt8](golden.pixels))
      let result = Resampling.bilinear(image, width: golden.toWidth, height: golden.toHeight)
      #expect(result.pixels == [UInt8](golden.expected))
    }
  }

  @Test func mutatedFilesEndInAnImageOrInAnError() {
    var random = SplitMix64(seed: 11)
    for golden in DetectionGoldens.images {
      for _ in 0..<150 {
        let data = mutated(golden.file, &random)
        do {
          let image = try ImageFile.decode(data, file: "mutant")
          #expect(image.width > 0 && image.height > 0)
        } catch {
          #expect(error is ImageError && "\(error)".hasPrefix("mutant: "))
        }
      }
    }
  }

  /// A PNG header that declares 65,535 × 65,535 pixels with no data to speak of.
  @Test func hugeDeclaredSizesAreErrors() throws {
    let png = try #require(DetectionGoldens.images.first { $0.name == "png RGB 8" }).file
    var bomb = [UInt8](png)
    for at in [18, 19, 22, 23] { bomb[at] = 0xff }
    let crc = Self.crc32(bomb[12..<29])
    for index in 0..<4 {
      let shift = UInt32(24 - 8 * index)
      bomb[29 + index] = UInt8(truncatingIfNeeded: crc >> shift)
    }
    #expect {
      try ImageFile.decode(Data(bomb), file: "bomb.png")
    } throws: { error in
      "\(error)".contains("declares 65535 × 65535 pixels")
    }
    for at in 16..<24 { bomb[at] = 0xff }
    #expect(throws: ImageError.self) { try ImageFile.decode(Data(bomb), file: "bomb.png") }
    let jpeg = try #require(DetectionGoldens.images.first { $0.name == "jpeg 4:4:4" }).file
    var large = [UInt8](jpeg)
    let frame = try #require(large.indices.first { large[$0] == 0xff && large[$0 + 1] == 0xc0 })
    for at in frame + 5..<frame + 9 { large[at] = 0xfe }
    #expect {
      try ImageFile.decode(Data(large), file: "bomb.jpg")
    } throws: { error in
      "\(error)".contains("declares 65278 × 65278 pixels")
    }
  }

  private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xedb8_8320 : crc >> 1 }
    }
    return ~crc
  }

  @Test func otherFormatsAreErrors() {
    for text in ["", "GIF89a", "BM", "hello"] {
      #expect(throws: ImageError.unknownFormat("x.jpg")) {
        try ImageFile.decode(Data(text.utf8), file: "x.jpg")
      }
    }
  }

  @Test func encodedImagesComeBack() throws {
    var random = SplitMix64(seed: 3)
    for (width, height) in [(1, 1), (7, 3), (33, 20)] {
      let pixels = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &random) }
      let image = PixelBuffer(width: width, height: height, pixels: pixels)
      let png = try ImageFile.encode(image, as: "a.png")
      #expect(try ImageFile.decode(png, file: "a.png") == image)
      let flat = PixelBuffer(
        width: width, height: height,
        pixels: [UInt8](repeating: 90, count: width * height * 3))
      let jpeg = try ImageFile.encode(flat, as: "a.JPG")
      #expect(jpeg.starts(with: [0xff, 0xd8]))
      #expect(try ImageFile.decode(jpeg, file: "a.jpg") == flat)
    }
  }

  @Test func filesOfAFolderAreListedByNameAndHiddenOnesLeftOut() throws {
    let folder = try TemporaryFolder()
    let inner = folder.url.appending(path: "inner")
    try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
    for name in ["b.jpg", "a.PNG", ".c.jpg", "d.txt", "inner/e.jpeg"] {
      try Data().write(to: folder.url.appending(path: name))
    }
    #expect(ImageFile.files(in: folder.url).map(\.lastPathComponent) == ["a.PNG", "b.jpg"])
    #expect(
      ImageFile.allFiles(in: folder.url).map(\.lastPathComponent) == ["a.PNG", "b.jpg", "e.jpeg"])
  }
}
