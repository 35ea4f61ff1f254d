import Foundation
import ObjectDetection
import Tensors

/// The images that a verb learns from and scores on.
struct VerbImages {
  /// The images to score on; `nil` for none.
  var scoring: Dataset?
  /// The images to train on; `nil` for none.
  var learning: Dataset?

  /// Reads what the options name.
  ///
  /// Without training data of its own, a set with splits is trained on by its training split; of another a tenth is held
  /// out to score on.
  ///
  /// - Parameter needsLabels: Whether images without labels are refused; else they are learnt from and nothing is scored.
  init(
    data: DataOptions, trainData: String?, isEmbedded: Bool, trains: Bool, seed: UInt64,
    needsLabels: Bool = true, common: CommonOptions
  ) throws {
    let pool = ThreadPool(threads: common.threadCount)
    if !needsLabels, let path = data.data {
      let url = URL(filePath: path)
      let dataset = try Dataset.load(url, split: data.split)
      guard dataset.isLabelled else {
        let source = trainData.map { URL(filePath: $0) } ?? url
        learning = try Dataset.load(source, split: Dataset.hasSplits(source) ? "train" : nil)
        common.logger.notice("\(path) has no labels: nothing is scored")
        return
      }
    }
    if data.data != nil || isEmbedded { scoring = try data.labelled(common) }
    guard trains else { return }
    if let trainData {
      let url = URL(filePath: trainData)
      learning = try Dataset.load(url, split: Dataset.hasSplits(url) ? "train" : nil)
    } else if let path = data.data {
      let url = URL(filePath: path)
      if Dataset.hasSplits(url) {
        learning = try Dataset.load(url, split: "train")
      } else if let (kept, held) = scoring?.holdingOut(Self.holdout, seed: seed) {
        (learning, scoring) = (kept, held)
        common.logger.notice(
          "\(held.images.count) of \(path)'s images are held out to score on, \(kept.images.count) are trained on"
        )
      }
    } else {
      learning = EmbeddedData.training(pool: pool)
    }
    for remark in learning?.remarks ?? [] { common.logger.warning("\(remark)") }
  }

  /// The embedded scenes, so many of them to learn from.
  init(embedded count: Int, _ common: CommonOptions) {
    let pool = ThreadPool(threads: common.threadCount)
    scoring = EmbeddedData.validation(pool: pool)
    learning = EmbeddedData.training(count, pool: pool)
  }

  /// The fraction of a set without splits that is held out.
  private static let holdout = 0.1
}
