import Foundation

/// Antialiased resizing with a triangle filter, with the same bits as Pillow's
/// `resize(…, BILINEAR)`.
///
/// Each output pixel is a weighted mean of input pixels. The weights form a triangle whose width
/// grows with the reduction. They are fixed-point with 22 fractional bits. The horizontal direction
/// is resampled first, into 8-bit values, then the vertical one.
public enum Resampling {
  private static let precision = 22

  /// Weights of one axis: for each output position, the first input position and its weights.
  private struct Axis {
    var first: [Int]
    var count: [Int]
    var weights: [Int32]
    var width: Int

    init(from input: Int, to output: Int) {
      let scale = Double(input) / Double(output)
      let support = max(scale, 1)
      width = Int(support.rounded(.up)) * 2 + 1
      first = []
      count = []
      weights = [Int32](repeating: 0, count: width * output)
      for position in 0..<output {
        let centre = (Double(position) + 0.5) * scale
        let low = max(Int(centre - support + 0.5), 0)
        let high = min(Int(centre + support + 0.5), input)
        var exact = (low..<high).map { x in
          max(0, 1 - abs((Double(x) - centre + 0.5) / support))
        }
        let total = exact.reduce(0, +)
        if total != 0 { exact = exact.map { $0 / total } }
        first.append(low)
        count.append(high - low)
        for (index, weight) in exact.enumerated() {
          weights[position * width + index] = Int32(
            weight * Double(1 << Resampling.precision) + 0.5)
        }
      }
    }
  }

  /// The image at another size.
  ///
  /// - Precondition: the extents are positive.
  public static func bilinear(_ image: PixelBuffer, width: Int, height: Int) -> PixelBuffer {
    precondition(width > 0 && height > 0)
    var result = image
    if width != image.width { result = columns(result, Axis(from: image.width, to: width), width) }
    if height != image.height {
      result = rows(result, Axis(from: image.height, to: height), height)
    }
    return result
  }

  private static func clamped(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> precision, 0), 255))
  }

  private static func columns(_ image: PixelBuffer, _ axis: Axis, _ width: Int) -> PixelBuffer {
    let pixels = [UInt8](unsafeUninitializedCapacity: width * image.height * 3) { target, count in
      image.pixels.withUnsafeBufferPointer { source in
        axis.weights.withUnsafeBufferPointer { weights in
          for y in 0..<image.height {
            for x in 0..<width {
              var (red, green, blue) = (
                Int32(1 << (precision - 1)), Int32(1 << (precision - 1)),
                Int32(1 << (precision - 1))
              )
              let from = (y * image.width + axis.first[x]) * 3
              let first = x * axis.width
              for tap in 0..<axis.count[x] {
                let weight = weights[first + tap]
                red &+= Int32(source[from + tap * 3]) &* weight
                green &+= Int32(source[from + tap * 3 + 1]) &* weight
                blue &+= Int32(source[from + tap * 3 + 2]) &* weight
              }
              let to = (y * width + x) * 3
              target[to] = clamped(red)
              target[to + 1] = clamped(green)
              target[to + 2] = clamped(blue)
            }
          }
        }
      }
      count = width * image.height * 3
    }
    return PixelBuffer(width: width, height: image.height, pixels: pixels)
  }

  private static func rows(_ image: PixelBuffer, _ axis: Axis, _ height: Int) -> PixelBuffer {
    let stride = image.width * 3
    var sums = [Int32](repeating: 0, count: stride)
    let pixels = [UInt8](unsafeUninitializedCapacity: stride * height) { target, count in
      image.pixels.withUnsafeBufferPointer { source in
        sums.withUnsafeMutableBufferPointer { sums in
          for y in 0..<height {
            sums.update(repeating: 1 << (precision - 1))
            for tap in 0..<axis.count[y] {
              let weight = axis.weights[y * axis.width + tap]
              let from = (axis.first[y] + tap) * stride
              for index in 0..<stride { sums[index] &+= Int32(source[from + index]) &* weight }
            }
            for index in 0..<stride { target[y * stride + index] = clamped(sums[index]) }
          }
        }
      }
      count = stride * height
    }
    return PixelBuffer(width: image.width, height: height, pixels: pixels)
  }
}
