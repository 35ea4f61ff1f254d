import Foundation
import Tensors

/// A synthetic image of discs that occlude one another, like leaves on the ground.
///
/// Its edges, sizes and contrast are statistically like those of natural images.
///
/// Radii have the density r⁻³ between a hundredth and a third of the side, which makes the
/// statistics the same at all scales. Colours are those of a random palette in bright or dim light.
/// Each disc has a gradient and grain.
///
/// Reference: Lee, Mumford and Huang, *Occlusion Models for Natural Images*, IJCV 41, 2001; Baradad
/// et al., *Learning to See by Looking at Noise*, NeurIPS 2021, arXiv:2106.05963.
public struct DeadLeavesImage: Hashable, Sendable {
  /// The seed of the random numbers that the image is drawn with.
  public var seed: UInt64
  /// Its number in the series of the seed.
  public var index: Int
  /// Rows and columns.
  public var size: Int

  /// An image of a series.
  public init(seed: UInt64, index: Int, size: Int) {
    (self.seed, self.index, self.size) = (seed, index, size)
  }

  private struct Disc {
    var x: Float
    var y: Float
    var radius: Float
    var colour: SIMD3<Float>
    var slope: SIMD2<Float>
    var grain: Float
  }

  /// Draws the image.
  func image() -> PixelBuffer {
    var random = CounterRandom(seed: seed &+ UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9)
    let light = Float.random(in: 0.35...1.15, using: &random)
    let palette = (0..<5).map { _ in
      SIMD3<Float>(
        Float.random(in: 0...1, using: &random), Float.random(in: 0...1, using: &random),
        Float.random(in: 0...1, using: &random))
    }
    var pixels = [UInt8](repeating: 0, count: 3 * size * size)
    var isOpen = [Bool](repeating: true, count: size * size)
    var open = isOpen.count
    // Discs are drawn from front to back, until hardly any pixel is uncovered.
    for _ in 0..<Self.discs where open > isOpen.count / 500 {
      let disc = disc(palette, light, &random)
      open -= draw(disc, &pixels, &isOpen, &random)
    }
    for place in isOpen.indices where isOpen[place] {
      for channel in 0..<3 {
        pixels[3 * place + channel] = UInt8(255 * min(palette[0][channel], 1))
      }
    }
    return PixelBuffer(width: size, height: size, pixels: pixels)
  }

  private static let discs = 4000

  private func disc(
    _ palette: [SIMD3<Float>], _ light: Float, _ random: inout CounterRandom
  ) -> Disc {
    func uniform(_ range: ClosedRange<Float>) -> Float { Float.random(in: range, using: &random) }
    let side = Float(size)
    let (least, most) = (max(side / 100, 1), side / 3)
    let share = uniform(0...1)
    let inverse = 1 / (least * least) * (1 - share) + share / (most * most)
    let base = palette[Int(uniform(0...4.99))]
    let shift = SIMD3<Float>(uniform(-0.2...0.2), uniform(-0.2...0.2), uniform(-0.2...0.2))
    return Disc(
      x: uniform(0...side), y: uniform(0...side), radius: 1 / inverse.squareRoot(),
      colour: (base + shift) * light, slope: SIMD2(uniform(-0.3...0.3), uniform(-0.3...0.3)),
      grain: uniform(0...0.12))
  }

  /// Draws the visible pixels of a disc.
  ///
  /// - Returns: The number of pixels drawn.
  private func draw(
    _ disc: Disc, _ pixels: inout [UInt8], _ isOpen: inout [Bool], _ random: inout CounterRandom
  ) -> Int {
    var drawn = 0
    let rows = max(0, Int(disc.y - disc.radius))...max(0, min(size - 1, Int(disc.y + disc.radius)))
    for row in rows {
      let dy = Float(row) - disc.y
      let reach = (max(0, disc.radius * disc.radius - dy * dy)).squareRoot()
      let first = max(0, Int(disc.x - reach))
      let last = min(size - 1, Int(disc.x + reach))
      guard first <= last else { continue }
      for column in first...last where isOpen[row * size + column] {
        let place = row * size + column
        let dx = Float(column) - disc.x
        let shade = (dx * disc.slope.x + dy * disc.slope.y) / disc.radius
        let grain = disc.grain * Float.random(in: -1...1, using: &random)
        for channel in 0..<3 {
          let value = disc.colour[channel] + shade + grain
          pixels[3 * place + channel] = UInt8(255 * max(0, min(1, value)))
        }
        isOpen[place] = false
        drawn += 1
      }
    }
    return drawn
  }
}

extension Dataset {
  /// Images of discs that occlude one another, without labels; see ``DeadLeavesImage``.
  public static func deadLeaves(count: Int, seed: UInt64, size: Int) -> Dataset {
    Dataset(
      format: "synthetic", source: URL(filePath: "dead-leaves"), categories: [],
      images: (0..<count).map { index in
        Image(
          id: index + 1, source: .leaves(DeadLeavesImage(seed: seed, index: index, size: size)),
          width: size, height: size)
      }, annotations: [])
  }
}
