import Architectures
import Evidence
import Foundation
import ObjectDetection
import Tensors
import Training

/// A training run as its folder remembers it: all that decides the outcome, apart from the images.
struct TrainingJob: Codable {
  /// Images with labels, and how many of them a run may see.
  struct Images: Codable, Equatable {
    /// Where they lie; `nil` for the embedded ones.
    var path: String?
    /// Which split of a set that has some.
    var split: String?
    /// The folder the images lie in; `nil` for the usual places.
    var images: String?
    /// Whether images that cannot be read are left out; `nil` for no.
    var skipsBad: Bool?

    /// The data set; `nil` for embedded images.
    var source: DataSource? {
      path.map {
        DataSource(path: $0, split: split, images: images, skipsBad: skipsBad ?? false)
      }
    }
  }

  var schemaVersion = 1
  /// The version of the tool that began the run.
  var version = Version.text
  /// What the figures are headed with.
  var title: String
  /// The images to learn from.
  var training: Images
  /// The images to score on; `nil` where some of the others are held out.
  var validation: Images?
  /// How many of the embedded scenes are learnt from, where no images are given.
  var embeddedCount: Int
  /// The fraction of the images held out for validation.
  var holdout: Double
  /// How the run trains.
  var settings: DetectorTraining.Settings
}

extension TrainingJob {
  /// The images to learn from and to score on.
  ///
  /// - Throws: `DatasetError`, ``CommandError`` when there are no labels or too few images to hold
  ///   any out.
  func datasets(_ common: CommonOptions) throws -> (training: Dataset, validation: Dataset?) {
    let pool = ThreadPool(threads: common.threadCount)
    let all =
      try load(training, common)
      ?? EmbeddedData.training(embeddedCount, pool: pool)
    if let validation {
      let held =
        try validation.source?.labelled(common, to: "score against")
        ?? EmbeddedData.validation(pool: pool)
      return (all, held)
    }
    guard holdout > 0 else { return (all, nil) }
    let (kept, held) = all.holdingOut(holdout, seed: settings.seed)
    guard !kept.images.isEmpty, !held.images.isEmpty else {
      throw CommandError(
        .noInput,
        "\(all.source.path): has \(all.images.count) images, too few to hold some out for "
          + "validation; give --val-data, or --holdout 0")
    }
    return (kept, held)
  }

  private func load(_ images: Images, _ common: CommonOptions) throws -> Dataset? {
    settings.loss == .labels
      ? try images.source?.labelled(common, to: "learn from") : try images.source?.load(common)
  }
}
