import Foundation
import ObjectDetection
import Tensors
import TestSupport
import Testing

/// Drawn images that stand for natural ones.
@Suite struct DeadLeavesTests {
  @Test func imagesFollowFromSeedAndIndex() throws {
    let set = Dataset.deadLeaves(count: 3, seed: 4, size: 64)
    let images = try set.images.map { try $0.source.load() }
    #expect(try set.images.map { try $0.source.load() } == images)
    #expect(images[0] != images[1] && images[1] != images[2])
    #expect(Set(try set.images.map { try $0.source.identity() }).count == 3)
    #expect(images.allSatisfy { $0.width == 64 && $0.height == 64 })
  }

  /// In natural images the difference of two pixels grows slowly with their distance, and large
  /// ones are rare but there.
  @Test func differencesAreThoseOfNaturalImages() throws {
    let size = 256
    let images = try Dataset.deadLeaves(count: 6, seed: 1, size: size).images.map {
      try $0.source.load()
    }
    func mean(_ distance: Int) -> Double {
      var (sum, count) = (0.0, 0.0)
      for image in images {
        for row in stride(from: 0, to: size, by: 4) {
          for column in stride(from: 0, to: size - distance, by: 4) {
            let place = 3 * (row * size + column)
            let difference =
              Double(image.pixels[place]) - Double(image.pixels[place + 3 * distance])
            sum += difference * difference
            count += 1
          }
        }
      }
      return sum / count
    }
    let (near, middle, far) = (mean(1), mean(8), mean(64))
    #expect(near < middle && middle < far && far < 40 * near, "\(near) \(middle) \(far)")
    let all = images.flatMap(\.pixels)
    #expect(all.min() == 0 && all.max() == 255)
  }
}
