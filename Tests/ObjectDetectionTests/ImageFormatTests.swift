import Foundation
import ObjectDetection
import TestSupport
import Testing

/// Which files are images, and what becomes of those that are not read.
@Suite struct ImageFormatTests {
  /// The bytes of a golden image.
  private func golden(_ name: String) throws -> Data {
    try #require(DetectionGoldens.images.first { $0.name == name }).file
  }

  private static let tiff = Data([0x49, 0x49, 0x2a, 0, 8, 0, 0, 0])

  @Test func contentDecidesWhatAnImageIs() throws {
    let files = try DatasetFiles()
    let kinds = ["bmp Pillow RGB", "webp lossy", "jpeg 4:4:4", "png RGB 8"]
    for (index, kind) in kinds.enumerated() {
      try files.write("\(index).jpg", golden(kind))
      try files.write("\(index)", golden(kind))
    }
    try files.write("a.gif", golden("webp lossless"))
    try files.write("notes", "BM is no image")
    try files.write("b.tif", Self.tiff)
    try files.write("c.GIF", "GIF89a")
    try files.write("labels.txt", golden("png RGB 8"))
    let listing = ImageListing(files.url)
    #expect(
      listing.images.map(\.lastPathComponent)
        == ["0", "0.jpg", "1", "1.jpg", "2", "2.jpg", "3", "3.jpg", "a.gif"])
    #expect(listing.foreign.map(\.lastPathComponent) == ["b.tif", "c.GIF"])
    for image in listing.images { #expect(try ImageFile.load(image).width > 0) }
    let data = try Dataset.load(files.url)
    #expect(data.images.count == 9 && data.remarks.count == 1)
    #expect(data.remarks[0].contains("2 images of other formats than JPEG, PNG, BMP and WebP"))
    #expect(data.remarks[0].contains("b.tif"))
  }

  @Test func labelledImagesOfEveryFormatAreRead() throws {
    let files = try DatasetFiles()
    let kinds = [
      ("a.bmp", "bmp 8 bits, header 40"), ("b.webp", "webp lossless"), ("c.jpg", "bmp 1x1"),
      ("d.BMP", "bmp runs of 8 bits"),
    ]
    for (name, kind) in kinds {
      try files.write("images/val/\(name)", golden(kind))
      try files.write("labels/val/\(name.prefix(1)).txt", "0 0.5 0.5 1 1\n")
    }
    try files.write("data.yaml", "val: images/val\nnames: [a]\n")
    let data = try Dataset.load(files.url)
    #expect(
      data.labels == [
        "a.bmp a 0.0 0.0 11.0 7.0", "b.webp a 0.0 0.0 21.0 19.0", "c.jpg a 0.0 0.0 1.0 1.0",
        "d.BMP a 0.0 0.0 6.0 3.0",
      ])
    #expect(data.unreadable.isEmpty && data.remarks.isEmpty)
  }

  @Test(arguments: ["b.tif", "b.gif", "b.heic", "b.jpg"])
  func labelledImagesThatCannotBeReadAreNoted(name: String) throws {
    let files = try DatasetFiles()
    try files.image("images/val/a.png")
    try files.write("images/val/\(name)", Self.tiff)
    for stem in ["a", "b"] { try files.write("labels/val/\(stem).txt", "0 0.5 0.5 1 1\n") }
    try files.write("data.yaml", "val: images/val\nnames: [a]\n")
    let data = try Dataset.load(files.url)
    #expect(data.images.count == 2 && data.unreadable.count == 1)
    #expect(throws: DatasetError.self) { try data.readable(skippingBad: false) }
    let rest = try data.readable(skippingBad: true)
    #expect(rest.images.count == 1 && rest.labels.count == 1)
    #expect(rest.leftOut.count == 1 && rest.leftOut[0].contains("/\(name): is no JPEG"))
  }

  @Test func labelsWithoutAnImageAreRemarked() throws {
    let files = try DatasetFiles()
    try files.image("images/val/a.png")
    for name in ["a", "b", "c", "classes", "._a"] {
      try files.write("labels/val/\(name).txt", "0 0.5 0.5 1 1\n")
    }
    try files.write("data.yaml", "val: images/val\nnames: [a]\n")
    let data = try Dataset.load(files.url)
    #expect(data.remarks.count == 1)
    #expect(data.remarks[0].contains("2 label files belong to no image"))
    #expect(data.remarks[0].contains("b.txt"))
  }

  /// A header of 16,384 × 16,384 pixels with no data to speak of, in each new format.
  @Test func hugeDeclaredSizesAreErrors() throws {
    var bmp = [UInt8](try golden("bmp Pillow RGB"))
    for at in [18, 22] { bmp.replaceSubrange(at..<at + 4, with: [0, 0x40, 0, 0]) }
    var runs = [UInt8](try golden("bmp runs of 8 bits"))
    for at in [18, 22] { runs.replaceSubrange(at..<at + 4, with: [0, 0x20, 0, 0]) }
    var webp = [UInt8](try golden("webp lossless"))
    // After `RIFF`, length, `WEBPVP8L`, length and 0x2f: two times 14 bits, one less than the
    // extents.
    webp.replaceSubrange(21..<25, with: [0xff, 0xff, 0xff, 0x0f | webp[24] & 0xf0])
    for (bytes, reason) in [
      (bmp, "declares 16384 × 16384 pixels"), (runs, "bytes declare 8192 × 8192 pixels"),
      (webp, "declares 16384 × 16384 pixels"),
    ] {
      #expect {
        try ImageFile.decode(Data(bytes), file: "bomb")
      } throws: { error in
        "\(error)".contains(reason)
      }
    }
  }

  @Test func otherKindsOfBitmapsAreErrorsThatSaySo() throws {
    var bytes = [UInt8](try golden("bmp Pillow RGB"))
    bytes[30] = 4
    #expect {
      try ImageFile.decode(Data(bytes), file: "x.bmp")
    } throws: { error in
      "\(error)".contains("24 bits by method 4 are not read")
    }
  }
}
