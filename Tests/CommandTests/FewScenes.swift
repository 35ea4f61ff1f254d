import Foundation
import TestSupport

/// Scenes that tests share: fewer than the embedded ones to score on, and some to learn from.
enum FewScenes {
  private static let made = Result {
    let folder = try TemporaryFolder()
    for (name, count, seed) in [("scenes", 60, 9), ("learning", 16, 1), ("more", 64, 2)] {
      let run = try Binary.run(
        [
          "dataset", "synth", "--images", "\(count)", "--seed", "\(seed)", "--imgsz", "160",
          "--output", name,
        ],
        in: folder.url)
      guard run.status == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
    return folder
  }

  private static func place(_ name: String) throws -> String {
    try made.get().url.appending(path: name).path
  }

  /// Where 60 lie that are scored on.
  static var path: String { get throws { try place("scenes") } }
  /// Where 16 lie that are learnt from.
  static var learning: String { get throws { try place("learning") } }
  /// Where 64 lie that are learnt from, where something must come of it.
  static var more: String { get throws { try place("more") } }

  /// What has a verb score on them, unless the arguments say on what.
  static func data(unless arguments: [String]) throws -> [String] {
    arguments.contains("--data") ? [] : ["--data", try path]
  }
}
