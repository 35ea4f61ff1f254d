import Synchronization

/// A cache of decoded images up to a number of bytes.
///
/// The first images stay; nothing is evicted.
final class ImageCache: Sendable {
  private struct State {
    var images: [Int: PixelBuffer] = [:]
    var bytes = 0
  }

  private let limit: Int
  private let state = Mutex(State())

  init(bytes: Int) { limit = bytes }

  /// The image with a number, loaded when it is not in the cache.
  func image(_ index: Int, load: () throws -> PixelBuffer) rethrows -> PixelBuffer {
    if let image = state.withLock({ $0.images[index] }) { return image }
    let image = try load()
    state.withLock { state in
      guard state.images[index] == nil, state.bytes + image.pixels.count <= limit else { return }
      state.images[index] = image
      state.bytes += image.pixels.count
    }
    return image
  }
}
