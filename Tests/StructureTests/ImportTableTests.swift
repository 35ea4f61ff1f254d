import Foundation
import Testing

/// The arrows between modules: who may import whom, as `Documentation/Architecture.md` draws them.
@Suite struct ImportTableTests {
  /// Modules of the package and the foreign ones each module may use besides Swift's own.
  static let allowed: [String: Set<String>] = [
    "Tensors": ["COpenBLAS"],
    "Kernels": ["Tensors", "CKernels", "COpenBLAS"],
    "GraphIR": ["Tensors", "OrderedCollections"],
    "Operators": ["GraphIR", "Kernels", "Tensors", "OrderedCollections"],
    "Execution": ["GraphIR", "Tensors", "OrderedCollections"],
    "Formats": [
      "GraphIR", "Tensors", "CHDF5", "CCrypto", "CZlib", "SwiftProtobuf", "OrderedCollections",
    ],
    "ObjectDetection": [
      "Tensors", "GraphIR", "Formats", "CTurboJPEG", "CPNG", "CWebP", "Yams",
    ],
    "Architectures": ["ObjectDetection", "GraphIR", "Tensors", "OrderedCollections"],
    "Training": [
      "Operators", "Execution", "ObjectDetection", "Formats", "GraphIR", "Tensors",
      "OrderedCollections",
    ],
    "Compression": ["GraphIR", "Tensors"],
    "Prune": ["Training", "Compression", "Execution", "GraphIR", "Tensors", "OrderedCollections"],
    "Quantize": ["Compression", "Operators", "Execution", "Kernels", "GraphIR", "Tensors"],
    "Distill": [
      "Training", "Operators", "Execution", "ObjectDetection", "Formats", "GraphIR", "Tensors",
    ],
    "LowRank": ["Compression", "Operators", "Execution", "GraphIR", "Tensors"],
    "Reports": [],
    "Compress": [
      "Tensors", "GraphIR", "Operators", "Execution", "Formats", "ObjectDetection",
      "Architectures", "Training", "Compression", "Prune", "Quantize", "LowRank", "Distill",
      "Reports", "CEmbedded", "CProcess", "ArgumentParser", "Logging",
      "Yams",
    ],
  ]

  /// What every module may use: Swift's own libraries.
  static let common: Set<String> = [
    "Foundation", "FoundationEssentials", "FoundationXML", "Synchronization", "Dispatch", "Glibc",
  ]

  static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources").standardizedFileURL

  @Test(arguments: allowed.keys.sorted())
  func importsFollowTheArrows(module: String) throws {
    let folder = Self.sources.appending(path: module)
    let files = try #require(
      FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var count = 0
    for case let file as URL in files where file.pathExtension == "swift" {
      count += 1
      let text = try String(contentsOf: file, encoding: .utf8)
      for line in text.split(separator: "\n") where line.contains("import ") {
        guard
          let match = line.firstMatch(of: /^(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(\w+)/)
        else { continue }
        let imported = String(match.1)
        #expect(
          Self.common.contains(imported) || Self.allowed[module]?.contains(imported) == true,
          "\(module) may not import \(imported): \(file.lastPathComponent)")
      }
    }
    #expect(count > 0, "\(module) has no Swift file")
  }

  @Test func everyModuleIsInTheTable() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path)
    let modules = folders.filter { !$0.hasPrefix("C") || $0 == "Compress" }
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
}
