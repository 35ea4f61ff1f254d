import Foundation
import TestSupport
import Testing

/// A few scenes that the examples score on and learn from, instead of the hundreds of the embedded
/// ones: an example is run for its steps and files, not for its figures.
enum ExampleScenes {
  private static let made = Result {
    let folder = try TemporaryFolder()
    for (name, seed) in [("score", 9), ("train", 10)] {
      let run = try QuickstartTests.run(
        QuickstartTests.binaries.appending(path: "compress").path,
        [
          "dataset", "synth", "--images", "16", "--seed", "\(seed)", "--output",
          folder.url.appending(path: name).path,
        ])
      try #require(run.status == 0, "\(run.output)")
    }
    return folder
  }

  /// What a script of an example reads of its environment: where to write, few scenes, one epoch,
  /// and a number of images to calibrate with.
  static func environment(_ output: TemporaryFolder, images: Int? = nil) throws -> [String: String]
  {
    let scenes = try made.get().url
    var variables = [
      "OUT": output.url.path, "BIN": QuickstartTests.binaries.path, "EPOCHS": "1",
      "DATA": scenes.appending(path: "score").path, "TRAIN": scenes.appending(path: "train").path,
    ]
    if let images { variables["IMAGES"] = "\(images)" }
    return variables
  }
}
