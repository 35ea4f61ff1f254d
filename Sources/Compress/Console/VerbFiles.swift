import ArgumentParser
import Evidence
import Formats
import Foundation
import ObjectDetection

/// What a verb is told to read and to write, checked before it works for hours.
///
/// ``AtomicFile`` refuses at the end, too, to replace anything that was read, also what options
/// name only by way of another file: external data, labels, images.
struct VerbFiles {
  /// The models by what they are to the verb.
  private var models: [(role: String, path: String)] = []
  private var writes: [(option: String, path: String)] = []

  /// Notes what is read, and keeps it from being replaced from now on.
  ///
  /// - Parameters:
  ///   - models: The model files by role; `nil` for the embedded detector.
  ///   - others: Further paths, as far as they are files.
  init(models: [(role: String, path: String?)], others: [String?]) {
    self.models = models.compactMap { role, path in path.map { (role, $0) } }
    for path in self.models.map(\.path) + others.compactMap({ $0 }) {
      InputFile.protect(URL(filePath: path))
    }
  }

  /// Refuses the name of a model file whose ending stands for no format.
  ///
  /// - Throws: `ValidationError`.
  static func checkEnding(of output: String) throws {
    let url = URL(filePath: output)
    guard !url.pathExtension.isEmpty, ModelFormat.named(by: url) == nil else { return }
    let endings = ModelFile.endings.map { ".\($0)" }.joined(separator: ", ")
    throw ValidationError("--output \(output) must end in one of \(endings).")
  }

  /// Notes a file to write; `nil` for none.
  mutating func write(_ option: String, _ path: String?) {
    if let path { writes.append((option, path)) }
  }

  /// Notes a folder to fill, and files in it whose names are known.
  ///
  /// - Throws: `FormatError` when it is no folder and cannot become one.
  mutating func fill(_ option: String, _ folder: String?, files: [String] = []) throws {
    guard let folder else { return }
    try OutputFolder.check(URL(filePath: folder))
    for file in files {
      writes.append((option, URL(filePath: folder).appending(path: file).path))
    }
  }

  /// Checks that all can be written, at places of their own, and that nothing is replaced that is
  /// read.
  ///
  /// - Throws: `FormatError`, ``CommandError`` that names the option.
  func check() throws {
    var taken: [String: String] = [:]
    for (option, path) in writes {
      let url = URL(filePath: path)
      do {
        try AtomicFile.check(url)
      } catch let error as FormatError where error.kind == .conflict {
        if let model = models.first(where: { InputFile.isSame(URL(filePath: $0.path), url) }) {
          throw CommandError(
            .usage, "\(path) is \(model.role) itself; give another \(option)")
        }
        throw CommandError(.usage, "\(path) \(error.reason) (\(option))")
      }
      let place = AtomicFile.place(of: url)
      if let other = taken.updateValue(option, forKey: place), other != option {
        throw CommandError(
          .usage, "\(other) and \(option) both name \(path); give each a name of its own")
      }
    }
  }
}

extension ModelArtifact {
  /// The file that external data of a model written to a path goes to; `nil` when there is none.
  func externalFile(of target: String) -> String? {
    let format = ModelFormat.written(to: URL(filePath: target))
    return external.isEmpty || !format.hasSaveOptions ? nil : target + ".data"
  }
}
