import Tensors

extension Dataset {
  /// Which images were chosen from a larger set.
  public struct Sample: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The number of images that were chosen.
    public var images: Int
    /// The number of images to choose from.
    public var of: Int
    /// The seed that decided which.
    public var seed: UInt64

    /// For example `64 of 300 images, seed 0`.
    public var description: String { "\(images) of \(of) images, seed \(seed)" }
  }

  /// The data set with at most `count` of its images and their labels; see ``sample``.
  ///
  /// The seed decides which images. They stay in order, and a smaller sample is part of a larger
  /// one of the same seed. A set with no more images than that stays as it is.
  public func sampled(_ count: Int, seed: UInt64) -> Dataset {
    guard count < images.count else { return self }
    var random = CounterRandom(seed: seed, stream: 0x5a3f)
    let order = images.indices.shuffled(using: &random)
    var result = without(images: Set(order.dropFirst(count)))
    result.sample = Sample(images: result.images.count, of: images.count, seed: seed)
    return result
  }
}
