import Foundation
import Testing

/// The arrows between modules: who may import whom, as `Documentation/Architecture.md` draws them.
@Suite struct ImportTableTests {
  /// Modules of the package and the foreign ones each module may use besides Swift's own.
  static let allowed: [String: Set<String>] = [
    "Tensors": ["COpenBLAS"],
    "Kernels": ["Tensors", "CKernels"],
    "GraphIR": ["Tensors", "OrderedCollections"],
    "Operators": ["GraphIR", "Kernels", "Tensors", "OrderedCollections"],
    "Execution": ["GraphIR", "Tensors", "OrderedCollections"],
    "Formats": [
      "GraphIR", "Tensors", "CHDF5", "CCrypto", "CZlib", "SwiftProtobuf", "OrderedCollections",
    ],
    "ObjectDetection": [
      "Operators", "Execution", "Tensors", "GraphIR", "Formats", "CTurboJPEG", "CPNG", "CWebP",
      "Yams",
    ],
    "Architectures": ["ObjectDetection", "GraphIR", "Tensors"],
    "Training": [
      "Operators", "Execution", "ObjectDetection", "Formats", "GraphIR", "Tensors",
    ],
    "Compression": [
      "Training", "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors",
    ],
    "Prune": [
      "Compression", "Training", "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors",
    ],
    "Quantize": [
      "Compression", "Training", "ObjectDetection", "Operators", "Execution", "Kernels", "Formats",
      "GraphIR", "Tensors",
    ],
    "LowRank": [
      "Compression", "Training", "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors",
    ],
    "Distill": [
      "Training", "Operators", "Execution", "ObjectDetection", "Formats", "GraphIR", "Tensors",
    ],
    "Reports": [],
    "Evidence": [
      "Prune", "Quantize", "LowRank", "Distill", "Compression", "Training", "Reports",
      "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors", "CEmbedded",
    ],
    "CompressKit": [
      "Evidence", "Prune", "Quantize", "LowRank", "Distill", "Compression", "Training",
      "Architectures", "Reports", "ObjectDetection", "Operators", "Execution", "Formats",
      "GraphIR", "Tensors",
    ],
    "Compress": [
      "CompressKit", "Evidence", "Prune", "Quantize", "LowRank", "Distill", "Compression",
      "Training", "Architectures", "Reports", "ObjectDetection", "Operators", "Execution",
      "Formats", "GraphIR", "Tensors", "CProcess", "ArgumentParser", "Logging", "Yams",
    ],
  ]

  /// What every module may use: Swift's own libraries.
  static let common: Set<String> = [
    "Foundation", "FoundationEssentials", "FoundationXML", "Synchronization", "Dispatch", "Glibc",
  ]

  static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources").standardizedFileURL

  /// What the files of a module import, each with the file.
  static func imports(of module: String) throws -> [(imported: String, file: String)] {
    let folder = sources.appending(path: module)
    let files = try #require(
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var found: [(imported: String, file: String)] = []
    for case let file as URL in files where file.pathExtension == "swift" {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
      where line.contains("import") {
        if let match = line.firstMatch(
          of: /^(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(?:\w+\s+)?(\w+)/)
        {
          found.append((String(match.1), file.lastPathComponent))
        }
      }
    }
    return found
  }

  @Test(arguments: allowed.keys.sorted())
  func importsFollowTheArrows(module: String) throws {
    for (imported, file) in try Self.imports(of: module) {
      #expect(
        Self.common.contains(imported) || Self.allowed[module]?.contains(imported) == true,
        "\(module) may not import \(imported): \(file)")
    }
  }

  /// An arrow that nobody walks is one fact too many.
  @Test(arguments: allowed.keys.sorted())
  func everyArrowIsUsed(module: String) throws {
    let imported = Set(try Self.imports(of: module).map(\.imported))
    let unused = (Self.allowed[module] ?? []).subtracting(imported)
    #expect(unused.isEmpty, "\(module) imports none of \(unused.sorted())")
  }

  @Test func everyModuleIsInTheTable() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path)
    let modules = folders.filter { $0.firstMatch(of: /^C[A-Z]/) == nil }
    #expect(Set(modules) == Set(Self.allowed.keys))
  }

  @Test func theTableHasNoCycle() {
    var state: [String: Int] = [:]
    func visit(_ module: String) -> Bool {
      if state[module] == 1 { return false }
      if state[module] == 2 { return true }
      state[module] = 1
      for next in (Self.allowed[module] ?? []) where Self.allowed[next] != nil {
        if !visit(next) { return false }
      }
      state[module] = 2
      return true
    }
    for module in Self.allowed.keys { #expect(visit(module), "a cycle through \(module)") }
  }

  /// The methods, none of which may know another.
  static let methods: Set<String> = ["Prune", "Quantize", "LowRank", "Distill"]

  @Test(arguments: methods.sorted())
  func methodsDoNotKnowOneAnother(method: String) {
    #expect(Self.methods.subtracting([method]).isDisjoint(with: Self.allowed[method] ?? []))
  }

  /// Only the executable parses options and logs.
  @Test func librariesNeitherParseNorLog() {
    for (module, imports) in Self.allowed where module != "Compress" {
      #expect(imports.isDisjoint(with: ["ArgumentParser", "Logging"]), "\(module)")
    }
  }

  /// A registry is handed over, so that an operator which a program adds is seen by every method.
  ///
  /// The one place that names the standard one is `Engine+Standard`.
  @Test func registriesAreHandedOver() throws {
    let named = /(?:registry:|registry =|OperatorRegistry)\s*\.(?:standard|training)\b/
    var places: [String] = []
    for module in Self.allowed.keys where module != "Compress" {
      let folder = Self.sources.appending(path: module)
      let files = try #require(
        FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
      for case let file as URL in files where file.pathExtension == "swift" {
        let text = try String(contentsOf: file, encoding: .utf8)
        places += text.matches(of: named).map { _ in "\(module)/\(file.lastPathComponent)" }
      }
    }
    #expect(places == ["ObjectDetection/Engine+Standard.swift"])
  }

  /// Which option helps is for the console to say: no text of a library names one.
  @Test func librariesNameNoOptions() throws {
    let option = /"[^"\n]*--[a-z][a-z-]+/
    for module in Self.allowed.keys where module != "Compress" && module != "Reports" {
      let folder = Self.sources.appending(path: module)
      let files = try #require(
        FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
      for case let file as URL in files where file.pathExtension == "swift" {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        for line in lines
        where line.contains("--") && !line.trimmingPrefix(while: \.isWhitespace).hasPrefix("//") {
          #expect(
            line.firstMatch(of: option) == nil, "\(file.lastPathComponent): \(line)")
        }
      }
    }
  }
}
