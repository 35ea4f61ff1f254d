import Foundation

/// The folder of inputs that went wrong, each with a line that runs it again.
struct FuzzFindings {
  let folder: URL
  let seed: UInt64
  private(set) var count = 0

  init(folder: URL, seed: UInt64) throws {
    (self.folder, self.seed) = (folder, seed)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// Keeps an input and says how to run it again.
  mutating func add(
    _ what: String, _ index: Int, _ input: FuzzInput, command: String?, detail: String,
    kinds: [FuzzKind]
  ) {
    count += 1
    let name = "\(what)-\(input.kind.rawValue)-\(seed)-\(index).\(input.kind.ending)"
    try? input.data.write(to: folder.appending(path: name))
    let only = kinds.isEmpty ? "" : " --kinds " + kinds.map(\.rawValue).joined(separator: ",")
    let line = command ?? ".build/release/fuzz --seed \(seed)\(only) --only \(index)"
    let text = "\(name)\t\(line)\t\(detail.replacing("\n", with: " ").suffix(400))\n"
    let file = folder.appending(path: "findings.tsv")
    let old = (try? Data(contentsOf: file)) ?? Data()
    try? (old + Data(text.utf8)).write(to: file)
    FileHandle.standardError.write(Data("found: \(text)".utf8))
  }
}
