/// Whether a model's mAP differs from the baseline's by more than the choice of images explains.
///
/// Both are scored on the same samples of the images, drawn with replacement (the paired
/// bootstrap), so that the difficulty of images for both models cancels.
///
/// The interval is the bias-corrected and accelerated one, see ``BootstrapInterval``.
///
/// Reference: Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, ch. 14 and 16.
public struct PairedTest: Codable, Sendable, Equatable {
  /// The model's name in the report.
  public var model: String
  /// The model's mAP minus the baseline's, on all images.
  public var difference: Double
  /// The 95 % confidence interval of the difference.
  public var interval: ModelEvidence.Interval
  /// The two-sided p-value: how often the choice of images alone gives a difference as large as
  /// this.
  public var pValue: Double
  /// Whether the interval contains zero.
  public var isWithinNoise: Bool
  /// The number of samples.
  public var samples: Int

  /// The test of a model; `nil` without equally many samples of both.
  init?(of model: ModelEvidence, against base: ModelEvidence) {
    let (a, b) = (base.resampledAP, model.resampledAP)
    guard !a.isEmpty, a.count == b.count, let before = base.accuracy?["AP"],
      let after = model.accuracy?["AP"]
    else { return nil }
    let differences = zip(a, b).map { $1 - $0 }
    self.model = model.name
    difference = after - before
    interval =
      BootstrapInterval(
        differences, around: difference,
        leftOut: zip(base.leftOutAP, model.leftOutAP).map { $1 - $0 }
      ).ends
    isWithinNoise = interval.low <= 0 && interval.high >= 0
    // One is added, because no finite number of samples proves a difference with certainty.
    let (below, above) = (differences.count { $0 <= 0 }, differences.count { $0 >= 0 })
    pValue = min(1, 2 * Double(min(below, above) + 1) / Double(differences.count + 1))
    samples = differences.count
  }

  /// The finding in a sentence.
  public var sentence: String {
    let change = NumberStyle.signed(difference)
    let ends =
      "95 % interval \(NumberStyle.signed(interval.low)) … \(NumberStyle.signed(interval.high))"
    let verdict =
      isWithinNoise ? "within noise" : difference < 0 ? "a real loss" : "a real gain"
    return "\(model): mAP \(change) (\(ends), p \(NumberStyle.probability(pValue))): \(verdict)"
  }
}
