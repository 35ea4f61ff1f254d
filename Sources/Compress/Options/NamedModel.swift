import ArgumentParser
import Foundation

/// A model file of a comparison, with the name that tables and figures print: `int8=model.onnx`.
struct NamedModel {
  /// The name; `nil` where none is given.
  let name: String?
  /// The file.
  let path: String

  /// What a word names; an equals sign belongs to the path where there is such a file.
  private init(_ word: String) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, !parts[0].contains("/"), !FileManager.default.fileExists(atPath: word) {
      (name, path) = (String(parts[0]), String(parts[1]))
    } else {
      (name, path) = (nil, word)
    }
  }

  /// The models that words name.
  ///
  /// - Throws: `ValidationError` where a name is empty or stands for two of them.
  static func all(_ words: [String]) throws -> [NamedModel] {
    let models = words.map(NamedModel.init)
    var seen: Set<String> = []
    for (word, model) in zip(words, models) {
      guard let name = model.name else { continue }
      if name.isEmpty || model.path.isEmpty {
        throw ValidationError("a model is given as FILE or NAME=FILE, found '\(word)'.")
      }
      if !seen.insert(name).inserted {
        throw ValidationError("two models are named '\(name)'; give each a name of its own.")
      }
    }
    return models
  }
}
