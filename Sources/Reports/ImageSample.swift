/// Which images of a data set were scored.
public struct ImageSample: Codable, Sendable, Equatable {
  /// The number of images that were chosen.
  public var images: Int
  /// The number of images to choose from.
  public var of: Int
  /// The seed that decided which.
  public var seed: UInt64

  /// A choice of `images` images.
  public init(images: Int, of: Int, seed: UInt64) {
    (self.images, self.of, self.seed) = (images, of, seed)
  }

  /// For example `64 of 300 images, seed 0`.
  public var text: String { "\(images) of \(of) images, seed \(seed)" }
}
