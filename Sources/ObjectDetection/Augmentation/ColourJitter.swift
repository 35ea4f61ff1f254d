import Foundation
import Tensors

/// A random change of hue, saturation and brightness, as one matrix on RGB.
///
/// Hue rotates the colour about the grey axis, saturation scales its distance from grey, and
/// brightness scales everything. This is a linear form of the HSV jitter that is usual for
/// detectors. Unlike HSV jitter it needs no conversion of every pixel.
struct ColourJitter {
  private let rows: [SIMD3<Float>]

  init(_ augmentation: Augmentation, _ random: inout CounterRandom) {
    func factor(_ strength: Double) -> Float {
      Float(1 + Double.random(in: -1...1, using: &random) * strength)
    }
    let angle = Float(Double.random(in: -1...1, using: &random) * augmentation.hue * 2 * .pi)
    let (saturation, brightness) = (
      factor(augmentation.saturation), factor(augmentation.brightness)
    )
    // A rotation about (1, 1, 1) by Rodrigues' formula.
    let (cosine, sine) = (cos(angle), sin(angle))
    let (same, next) = (cosine + (1 - cosine) / 3, sine / Float(3).squareRoot())
    let third = (1 - cosine) / 3
    let turn: [SIMD3<Float>] = [
      SIMD3(same, third - next, third + next), SIMD3(third + next, same, third - next),
      SIMD3(third - next, third + next, same),
    ]
    let grey = SIMD3<Float>(0.299, 0.587, 0.114)
    // grey + saturation·(colour − grey), after the rotation, which keeps the mean but not the luma.
    let luma = turn[0] * grey.x + turn[1] * grey.y + turn[2] * grey.z
    rows = turn.map { brightness * (luma + ($0 - luma) * saturation) }
  }

  /// Changes every pixel.
  func apply(to canvas: inout TrainingCanvas) {
    let (red, green, blue) = (rows[0], rows[1], rows[2])
    canvas.pixels.withUnsafeMutableBufferPointer { pixels in
      for at in stride(from: 0, to: pixels.count - 2, by: 3) {
        let colour = SIMD3(Float(pixels[at]), Float(pixels[at + 1]), Float(pixels[at + 2]))
        pixels[at] = Self.byte((red * colour).sum())
        pixels[at + 1] = Self.byte((green * colour).sum())
        pixels[at + 2] = Self.byte((blue * colour).sum())
      }
    }
  }

  @inline(__always)
  private static func byte(_ value: Float) -> UInt8 { UInt8(min(max(value + 0.5, 0), 255)) }
}
