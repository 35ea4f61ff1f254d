import Compression
import Evidence
import Formats
import Foundation

/// Which steps of a recipe are done, so that an interrupted run goes on where it was.
///
/// A step is known by a digest of its command, of the model it starts from and of the files its
/// options name. It counts as done when its model still is what was written.
struct RecipeState: Codable {
  /// One step that is done.
  struct Step: Codable {
    var key: String
    var command: [String]
    var output: String
    /// The digest of the model written.
    var sha256: String
  }

  var schemaVersion = 1
  var steps: [Step] = []

  /// The state in a folder; an empty one where there is none that can be read.
  init(folder: String) {
    let path = URL(filePath: folder).appending(path: Self.file).path
    let known = try? JSONFile.readState(RecipeState.self, from: path, kind: "state of a run")
    if let known, known.schemaVersion == 1 { self = known }
    InputFile.release(URL(filePath: path))
  }

  private static let file = "state.json"

  /// Saves the state, whole or not at all.
  func save(to folder: String) throws {
    try AtomicFile.write(
      PlanFile.encode(self), to: URL(filePath: folder).appending(path: Self.file).path)
  }

  /// Whether the step of that key is done and its model is there.
  func isDone(_ key: String) -> Bool {
    guard let step = steps.first(where: { $0.key == key }) else { return false }
    return Self.digest(step.output) == step.sha256
  }

  /// Notes that a step is done.
  mutating func note(_ key: String, _ command: RecipePlan.Command) {
    steps.removeAll { $0.key == key || $0.output == command.output }
    steps.append(
      Step(
        key: key, command: command.words, output: command.output,
        sha256: Self.digest(command.output)))
  }

  /// What a command is known by.
  static func key(_ command: RecipePlan.Command) -> String {
    var text = "\(Version.text)\n\(digest(command.input))\n"
    // Where the report and the plan go does not change the model.
    let start = RecipeVerbs.start(command.verb, command.input).count
    for word in command.dryWords.dropFirst(start) { text += "\(word)\n\(fingerprint(word))\n" }
    return Digest.sha256Text(Data(text.utf8))
  }

  private static func digest(_ file: String) -> String {
    let data = try? InputFile.data(URL(filePath: file), isMapped: true)
    return data.map { Digest.sha256Text($0) } ?? ""
  }

  /// What tells whether a file or folder that an option names is the same: a file's digest, a
  /// folder's names and sizes.
  private static func fingerprint(_ path: String) -> String {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard !path.hasPrefix("-"), files.fileExists(atPath: path, isDirectory: &isFolder) else {
      return ""
    }
    guard isFolder.boolValue else { return digest(path) }
    guard let inner = files.enumerator(atPath: path) else { return "" }
    let names = inner.compactMap { $0 as? String }.sorted().map { name -> String in
      let size = (try? files.attributesOfItem(atPath: "\(path)/\(name)"))?[.size] as? Int
      return "\(name) \(size ?? 0)"
    }
    return Digest.sha256Text(Data(names.joined(separator: "\n").utf8))
  }
}
