import Quantize

/// The record in a quantised model's metadata of how it was made.
public struct QuantizeRecord: ProvenanceRecord {
  /// The verb that made it.
  public static let verb = "quantize"

  var version = Version.text
  /// The SHA-256 digest of the model it was made from.
  var source: String
  var scheme: QuantizationScheme
  var observer: String
  var images: Int

  /// The record of a plan whose ranges were found with `images` images.
  public init(_ plan: QuantizationPlan, images: Int, source: ModelArtifact) {
    (self.source, self.images) = (source.sha256, images)
    (scheme, observer) = (plan.scheme, plan.observer)
  }
}
