import Foundation
import TestSupport

/// Scenes to score on that tests share: fewer and smaller than the embedded ones.
enum FewScenes {
  private static let made = Result {
    let folder = try TemporaryFolder()
    let run = try Binary.run(
      [
        "dataset", "synth", "--images", "60", "--seed", "9", "--imgsz", "160", "--output", "scenes",
      ],
      in: folder.url)
    guard run.status == 0 else { throw CocoaError(.fileWriteUnknown) }
    return (folder: folder, path: folder.url.appending(path: "scenes").path)
  }

  /// Where they lie.
  static var path: String { get throws { try made.get().path } }

  /// What has a verb score on them, unless the arguments say on what.
  static func data(unless arguments: [String]) throws -> [String] {
    arguments.contains("--data") ? [] : ["--data", try path]
  }
}
