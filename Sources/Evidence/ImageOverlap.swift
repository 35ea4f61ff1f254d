import Formats
import ObjectDetection

/// Finds images that are both trained on and scored, by their content.
public struct ImageOverlap {
  private let scored: Set<String>

  /// Compares with the images that are scored.
  public init(_ scored: Dataset) throws { self.scored = try Self.digests(scored) }

  /// A warning when some of the images are among those that are scored; `nil` when none is.
  ///
  /// - Parameter use: What the images are for: "to train on", "to calibrate with".
  public func warning(_ images: Dataset, use: String) throws -> String? {
    let shared = try Self.digests(images).intersection(scored).count
    guard shared > 0 else { return nil }
    return
      "\(shared) of the images \(use) \(shared == 1 ? "is" : "are") also scored on: the score flatters the model."
  }

  /// The number of the images that are among those scored.
  public func count(_ images: [ImageSource]) throws -> Int {
    try images.count { scored.contains(Digest.sha256Text(try $0.identity())) }
  }

  private static func digests(_ images: Dataset) throws -> Set<String> {
    Set(try images.images.map { Digest.sha256Text(try $0.source.identity()) })
  }
}
