import Foundation
import ObjectDetection
import TestSupport
import Testing

/// Lines and encodings of texts.
@Suite struct TextFileTests {
  private func lines(_ data: Data) throws -> [String] {
    let files = try DatasetFiles()
    return try TextFile(files.write("a.txt", data)).lines.map { "\($0.number) \($0.text)" }
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func linesEndAsAnySystemEndsThem(end: String) throws {
    let text = ["a b", "", "  c\t", "größe", "\u{1a}"].joined(separator: end)
    #expect(try lines(Data(text.utf8)) == ["1 a b", "3 c", "4 größe"])
    #expect(try lines(Data((text + end).utf8)) == ["1 a b", "3 c", "4 größe"])
  }

  @Test func endsMayBeMixed() throws {
    #expect(try lines(Data("a\r\n\rb\n\nc\r".utf8)) == ["1 a", "3 b", "5 c"])
    #expect(try lines(Data()).isEmpty && lines(Data("\r\n".utf8)).isEmpty)
    // Only these three end a line.
    #expect(try lines(Data("a\u{2028}b\u{85}c\u{c}d".utf8)) == ["1 a\u{2028}b\u{85}c\u{c}d"])
  }

  @Test(arguments: [
    (String.Encoding.utf8, [UInt8]([0xef, 0xbb, 0xbf])), (.utf16LittleEndian, [0xff, 0xfe]),
    (.utf16BigEndian, [0xfe, 0xff]), (.utf32LittleEndian, [0xff, 0xfe, 0, 0]),
    (.utf32BigEndian, [0, 0, 0xfe, 0xff]),
  ])
  func aByteOrderMarkDecides(_ encoding: String.Encoding, _ mark: [UInt8]) throws {
    let text = try #require("größe 大\r\n𠮷".data(using: encoding))
    #expect(try lines(Data(mark) + text) == ["1 größe 大", "2 𠮷"])
    #expect(try lines(Data(mark)).isEmpty)
  }

  @Test(arguments: [String.Encoding.utf16LittleEndian, .utf16BigEndian])
  func sixteenBitsAreToldWithoutAMark(encoding: String.Encoding) throws {
    #expect(
      try lines(#require("0 0.5\r\ngröße 大".data(using: encoding))) == ["1 0 0.5", "2 größe 大"])
  }

  @Test func whatIsNoTextNamesFileAndLine() throws {
    for bytes in [
      Data("a\nb\n".utf8) + Data([0xb3, 0xb5]), Data("a\nb\n".utf8) + Data([0xed, 0xa0, 0x80]),
      Data([0xff, 0xfe]) + Data("a\0\n\0b\0\n\0".utf8) + Data([0, 0xd8, 0x41, 0]),
      Data("a\nb\nc\0\0\0d".utf8),
    ] {
      #expect {
        try lines(bytes)
      } throws: { error in
        guard case DatasetError.malformed(let file, let place, let reason) = error else {
          return false
        }
        return file.hasSuffix("a.txt") && place == "line 3"
          && reason.contains("convert it to UTF-8")
      }
    }
  }

  @Test func missingFilesAndFoldersAreToldApart() throws {
    let files = try DatasetFiles()
    let nowhere = files.url.appending(path: "nowhere.txt")
    #expect(throws: DatasetError.missing(nowhere.path)) { try TextFile(nowhere) }
    #expect(
      throws: DatasetError.malformed(
        file: files.url.path, place: "", reason: "is a folder, not a file")
    ) { try TextFile(files.url) }
  }
}

/// Annotation files in the encodings that they declare.
@Suite struct EncodedAnnotationTests {
  static let names: [(encoding: String, bytes: [UInt8], name: String)] = [
    ("GB2312", [0xb3, 0xb5, 0xc1, 0xbe], "车辆"), ("gb2312", [0xe9, 0x46], "镕"),
    ("GBK", [0xd0, 0xd0, 0xc8, 0xcb], "行人"), ("gb18030", [0xb3, 0xb5], "车"),
    ("Big5", [0xa8, 0xae, 0xbd, 0xf8], "車輛"), ("Shift_JIS", [0x8e, 0xd4, 0x97, 0xbc], "車両"),
    ("shift-jis", [0x5c], "\\"), ("EUC-JP", [0xbc, 0xd6, 0xce, 0xbe], "車両"),
    ("EUC-KR", [0xc0, 0xda, 0xb5, 0xbf, 0xc2, 0xf7], "자동차"),
    ("windows-1251", [0xea, 0xee, 0xf2], "кот"), ("KOI8-R", [0xcb, 0xcf, 0xd4], "кот"),
    ("ISO-8859-1", [0x67, 0x72, 0xf6, 0xdf, 0x65], "größe"), ("latin1", [0xe9], "é"),
    ("Windows-1252", [0x80], "€"), ("ISO-8859-15", [0xa4], "€"), ("cp1250", [0xe8], "č"),
    ("utf-8", Array("größe".utf8), "größe"), ("UTF8", Array("大".utf8), "大"),
    // Written by programs that declare what they hold in memory.
    ("utf-16", Array("大".utf8), "大"), ("US-ASCII", Array("cat".utf8), "cat"),
  ]

  private func document(_ encoding: String?, _ name: [UInt8]) -> Data {
    let declaration = encoding.map { " encoding=\"\($0)\"" } ?? ""
    return Data("<?xml version='1.0'\(declaration)?>\r\n<annotation><object><name>".utf8)
      + Data(name)
      + Data(
        "</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
          .utf8)
  }

  private func category(_ data: Data) throws -> [String] {
    let files = try DatasetFiles()
    try files.write("Annotations/a.xml", data)
    try files.image("JPEGImages/a.png")
    return try Dataset.load(files.url).categories.map(\.name)
  }

  @Test(arguments: names)
  func theDeclarationDecides(_ encoding: String, _ bytes: [UInt8], _ name: String) throws {
    #expect(try category(document(encoding, bytes)) == [name])
  }

  @Test(arguments: [String.Encoding.utf16LittleEndian, .utf16BigEndian])
  func sixteenBitsAreReadWithAndWithoutAMark(_ encoding: String.Encoding) throws {
    let text = String(decoding: document("UTF-16", Array("größe 大".utf8)), as: UTF8.self)
    let bytes = try #require(text.data(using: encoding))
    #expect(try category(bytes) == ["größe 大"])
    let mark = Data(encoding == .utf16BigEndian ? [0xfe, 0xff] : [0xff, 0xfe])
    #expect(try category(mark + bytes) == ["größe 大"])
  }

  @Test(arguments: [
    (String?.none, [UInt8]([0xb3, 0xb5]), "is not UTF-8"),
    ("UTF-8", [0xb3, 0xb5], "is not the UTF-8 it declares"),
    ("Big5", [0xff, 0xff], "is not the BIG5-HKSCS it declares"),
    ("EBCDIC-US", [0x41], "declares the encoding 'EBCDIC-US', which is not read"),
    ("UTF-8//IGNORE", [0xb3], "which is not read"),
    ("ISO-2022-CN-EXT", [0x41], "which is not read"), ("ISO-8859-99", [0x41], "which is not read"),
  ])
  func otherBytesAreErrorsAndNeverOtherClasses(
    _ encoding: String?, _ bytes: [UInt8], _ reason: String
  ) throws {
    #expect {
      try category(document(encoding, bytes))
    } throws: { error in
      guard case DatasetError.malformed(let file, let place, let found) = error else {
        return false
      }
      return file.hasSuffix("a.xml") && place.hasPrefix("line ") && found.contains(reason)
    }
  }

  @Test func mutatedDocumentsOfEveryEncodingEndInADataSetOrInAnError() throws {
    var random = SplitMix64(seed: 77)
    for (encoding, bytes, _) in Self.names {
      let whole = document(encoding, bytes)
      for _ in 0..<20 {
        do {
          _ = try category(mutated(whole, &random))
        } catch {
          #expect(error is DatasetError && "\(error)".contains("a.xml"))
        }
      }
    }
  }
}
