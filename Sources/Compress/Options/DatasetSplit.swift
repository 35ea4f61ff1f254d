import Evidence
import Foundation
import ObjectDetection
import Tensors

/// The images that a verb learns from and scores on.
struct DatasetSplit {
  /// The images to score on; `nil` for none.
  var scoring: Dataset?
  /// The images to train on; `nil` for none.
  var learning: Dataset?

  /// Reads what the options name.
  ///
  /// Without training data of its own, a set with splits is trained on by its training split; of
  /// another a tenth is held out to score on. Where nothing is trained, a tenth is enough to look
  /// at, or a few more to make up the number that is wanted; the rest is scored.
  ///
  /// - Parameters:
  ///   - looks: How many images the network is looked at with; 0 for none.
  ///   - needsLabels: Whether images without labels are refused; else they are learnt from and
  ///     nothing is scored.
  ///   - learnsLabels: Whether what is learnt from must have labels; else any images will do.
  init(
    data: DataOptions, trainData: String?, isEmbedded: Bool, trains: Bool, looks: Int = 0,
    seed: UInt64, needsLabels: Bool = true, learnsLabels: Bool = true, common: CommonOptions
  ) throws {
    if !needsLabels, let path = data.data {
      let dataset = try data.source(path, split: data.split).load(common)
      guard dataset.isLabelled else {
        learning = try Self.images(trainData ?? path, data, common)
        try data.scoring.check(hasImages: false)
        common.logger.notice("\(path) has no labels: nothing is scored")
        return
      }
      scoring = dataset
    } else if data.data != nil || isEmbedded {
      scoring = try data.labelled(common)
    }
    guard trains || looks > 0 else {
      try choose(data, common)
      return
    }
    if let trainData {
      learning = try Self.images(trainData, data, common)
    } else if let path = data.data {
      let training = try Self.training(path, data, isNeeded: trains, common)
      if let training {
        learning = training
      } else if let whole = scoring {
        let part = trains ? Self.holdout : Self.part(looks, of: whole.images.count)
        let (rest, taken) = whole.holdingOut(part, seed: seed)
        (learning, scoring) = trains ? (rest, taken) : (taken, rest)
        common.logger.notice(
          "\(scoring?.images.count ?? 0) of \(path)'s images are held out to score on, \(learning?.images.count ?? 0) are \(trains ? "trained on" : "looked at")"
        )
      }
    } else {
      learning = EmbeddedData.training(pool: ThreadPool(threads: common.threadCount))
    }
    try choose(data, common)
    guard let learning, learnsLabels, !learning.isLabelled else { return }
    throw CommandError(
      .noInput,
      "\(learning.source.path): has images but no labels to learn from; give labelled images, or "
        + "learn without labels (--loss match; distill: --label-weight 0)")
  }

  /// The images to learn from at a path: the training split where there are splits.
  static func images(
    _ path: String, _ data: DataOptions, _ common: CommonOptions
  ) throws -> Dataset {
    let split = Dataset.hasSplits(URL(filePath: path)) ? "train" : nil
    return try data.source(path, split: split).load(common)
  }

  /// The embedded scenes, to score on and so many to learn from.
  init(embedded count: Int, _ data: DataOptions, _ common: CommonOptions) throws {
    let pool = ThreadPool(threads: common.threadCount)
    scoring = try data.scored(EmbeddedData.validation(pool: pool), common)
    learning = EmbeddedData.training(count, pool: pool)
  }

  /// Keeps of the images to score on what the options choose.
  private mutating func choose(_ data: DataOptions, _ common: CommonOptions) throws {
    try data.scoring.check(hasImages: scoring != nil)
    scoring = try scoring.map { try data.scored($0, common) }
  }

  /// The training split of a set; `nil` for a set without splits, and for one without that split
  /// where it is not needed.
  private static func training(
    _ path: String, _ data: DataOptions, isNeeded: Bool, _ common: CommonOptions
  ) throws -> Dataset? {
    guard Dataset.hasSplits(URL(filePath: path)) else { return nil }
    return isNeeded
      ? try images(path, data, common) : try? images(path, data, common)
  }

  /// The fraction of a set that is looked at, to reach a number of images.
  private static func part(_ wanted: Int, of count: Int) -> Double {
    min(max(holdout, Double(wanted) / Double(max(count, 1))), 0.5)
  }

  /// The fraction of a set without splits that is held out.
  private static let holdout = 0.1
}
