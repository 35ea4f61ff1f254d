import Foundation
import Testing

/// Swift code of the pages is code that the compiler has seen.
@Suite struct DocumentedCodeTests {
  private static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  /// Where code of the pages is compiled, for strangers or in the file that a page walks through.
  private static let compiled = [
    "Tests/StrangerTests/DocumentedCode.swift", "Tests/StrangerTests/StrangeOperatorTests.swift",
    "Examples/library/Slim.swift",
    "Sources/Prune/Criteria/Magnitude.swift",
  ]
  /// What a page says of another program's manifest, which no target holds.
  private static let manifest = "dependencies: [.package("

  /// The words of a text, with nothing of how they are laid out.
  private static func words(_ text: some StringProtocol) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// The blocks of Swift on a page, each with the line that it begins in.
  private static func blocks(_ page: String) -> [(line: Int, code: String)] {
    var blocks: [(line: Int, code: String)] = []
    var isInside = false
    for (index, line) in page.components(separatedBy: "\n").enumerated() {
      let fence = line.trimmingCharacters(in: .whitespaces)
      if fence == "```swift" {
        isInside = true
        blocks.append((index + 2, ""))
      } else if fence == "```" {
        isInside = false
      } else if isInside {
        blocks[blocks.count - 1].code += line + "\n"
      }
    }
    return blocks
  }

  /// The pages of the package: at its top, and in the folders that hold some.
  private static func pages() throws -> [String] {
    let manager = FileManager.default
    let top = try manager.contentsOfDirectory(atPath: package.path)
    let below = try ["Documentation", "Examples", "Sources", "Tests"].flatMap { folder in
      try manager.subpathsOfDirectory(atPath: package.appending(path: folder).path).map {
        "\(folder)/\($0)"
      }
    }
    return (top + below).filter { $0.hasSuffix(".md") }
  }

  @Test func everyBlockIsCompiled() throws {
    let code = try Self.compiled.map { path in
      Self.words(try String(contentsOf: Self.package.appending(path: path), encoding: .utf8))
    }
    var found = 0
    for page in try Self.pages() {
      let text = try String(contentsOf: Self.package.appending(path: page), encoding: .utf8)
      for block in Self.blocks(text) where !block.code.hasPrefix(Self.manifest) {
        found += 1
        let words = Self.words(block.code.replacing("import CompressKit\n", with: ""))
        #expect(
          code.contains { $0.contains(words) },
          "\(page):\(block.line) is compiled nowhere; put it into Tests/StrangerTests/DocumentedCode.swift"
        )
      }
    }
    #expect(found > 20)
  }

  @Test func theManifestNamesAProduct() throws {
    let manifest = try String(
      contentsOf: Self.package.appending(path: "Package.swift"), encoding: .utf8)
    let page = try String(
      contentsOf: Self.package.appending(path: "Documentation/Library.md"), encoding: .utf8)
    let block = try #require(Self.blocks(page).first { $0.code.hasPrefix(Self.manifest) })
    #expect(block.code.contains(#".product(name: "CompressKit", package: "compress")"#))
    #expect(manifest.contains(#".library(name: "CompressKit", targets: ["CompressKit"])"#))
  }
}
