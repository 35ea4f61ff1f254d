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
  init(
    data: DataOptions, trainData: String?, isEmbedded: Bool, trains: Bool, seed: UInt64,
    common: CommonOptions
  ) throws {
    let pool = ThreadPool(threads: common.threadCount)
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

  /// The fraction of a set without splits that is held out.
  private static let holdout = 0.1
}
