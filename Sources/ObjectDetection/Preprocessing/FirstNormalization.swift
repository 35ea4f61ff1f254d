import Execution
import Foundation
import GraphIR
import Tensors

/// The statistics that a network's first batch normalisation kept of its training images, which
/// tell how pixels were scaled.
///
/// The convolution before it is run on drawn images, prepared in each of the usual ways. The way in
/// which the network was trained gives channels with about the means and variances that the
/// normalisation holds; bytes in place of fractions give variances 65,025 times as large.
package struct FirstNormalization {
  /// A way to prepare pixels that is in use.
  package struct Scale: Sendable {
    /// For example `pixels from 0 to 1`.
    package let name: String
    let mean: [Float]
    let std: [Float]

    /// The usual ways.
    static let all = [
      Scale(name: "pixels from 0 to 1", mean: [0], std: [255]),
      Scale(name: "pixels from 0 to 255", mean: [0], std: [1]),
      Scale(name: "pixels from -1 to 1", mean: [127.5], std: [127.5]),
      Scale(
        name: "pixels by ImageNet's mean and deviation", mean: [123.675, 116.28, 103.53],
        std: [58.395, 57.12, 57.375]),
    ]

    /// A preprocessing with this scale.
    func applied(to other: Preprocessing) -> Preprocessing {
      let isBGR = other.order == .bgr
      return Preprocessing(
        fit: other.fit, pad: other.pad, order: other.order, mean: isBGR ? mean.reversed() : mean,
        std: isBGR ? std.reversed() : std)
    }
  }

  private let session: Session
  private let input: ImageInput
  private let value: String
  private let mean: [Double]
  private let variance: [Double]

  /// The normalisation behind the first convolution; `nil` where there is none.
  ///
  /// - Throws: What sessions throw.
  package init?(_ graph: Graph, input: ImageInput, engine: Engine) throws {
    guard let place = Self.place(in: graph, from: input.name) else { return nil }
    let constants = graph.constants
    guard place.inputs.count >= 5, let mean = constants[place.inputs[3]],
      let variance = constants[place.inputs[4]], mean.count == variance.count
    else { return nil }
    // What a network begins its training with.
    let isNew = mean.doubles.allSatisfy { $0 == 0 } && variance.doubles.allSatisfy { $0 == 1 }
    guard !isNew else { return nil }
    var head = graph
    head.outputs = [ValueInfo(name: place.inputs[0], type: .tensor(.float32, shape: nil))]
    session = try engine.session(head, isRewritten: false)
    (self.input, value) = (input, place.inputs[0])
    (self.mean, self.variance) = (mean.doubles, variance.doubles)
  }

  /// Drawn images in the colours of photographs.
  private static let images = (0..<8).map {
    natural(DeadLeavesImage(seed: 0, index: $0, size: 160).image())
  }

  /// An image with as much contrast of light, and as little of colour, as photographs have.
  private static func natural(_ image: PixelBuffer) -> PixelBuffer {
    var pixels = image.pixels
    for place in stride(from: 0, to: pixels.count, by: 3) {
      let colour = (0..<3).map { Float(pixels[place + $0]) }
      let grey = colour.reduce(0, +) / 3
      for channel in 0..<3 {
        let value = middle + 1.6 * (grey - middle) + 0.4 * (colour[channel] - grey)
        pixels[place + channel] = UInt8(max(0, min(255, value)))
      }
    }
    return PixelBuffer(width: image.width, height: image.height, pixels: pixels)
  }

  /// The mean of photographs' pixels.
  private static let middle: Float = 118

  /// The batch normalisation that reads the first convolution of an image.
  private static func place(in graph: Graph, from input: String) -> Node? {
    var reached: Set = [input]
    for node in graph.nodes where node.inputs.contains(where: reached.contains) {
      guard let output = node.outputs.first else { return nil }
      if node.opType == "Conv" {
        return graph.nodes.first {
          $0.opType == "BatchNormalization" && $0.inputs.first == output
        }
      }
      reached.formUnion(node.outputs)
    }
    return nil
  }

  /// The usual way that the statistics fit; `nil` where none does, or a known way does as well.
  ///
  /// - Parameters:
  ///   - usual: The preprocessing that is expected.
  ///   - isKnown: Whether there is a reason to expect it. Another must then fit far better.
  package func fit(_ usual: Preprocessing, isKnown: Bool) throws -> Scale? {
    let expected = isKnown ? try distance(usual) : nil
    if let expected, expected < Self.far { return nil }
    let found = try Scale.all.compactMap { scale in
      try distance(scale.applied(to: usual)).map { (scale: scale, distance: $0) }
    }
    guard let best = found.min(by: { $0.distance < $1.distance }), best.distance < Self.near
    else { return nil }
    guard isKnown else { return best.scale }
    return (expected ?? 0) > best.distance + Self.far ? best.scale : nil
  }

  /// The distance up to which a way fits, and that by which another must be nearer than a known
  /// one: a factor of e and of e² between deviations.
  private static let (near, far) = (1.0, 2.0)

  /// How far the channels of images that are prepared in a way lie from the statistics: the median
  /// over channels of `|ln(σ / s)| + |μ − m| / √(σ² + s²)`; `nil` when the network does not run so.
  ///
  /// `σ` and `μ` are what the normalisation holds, `s` and `m` what the images give.
  func distance(_ preprocessing: Preprocessing) throws -> Double? {
    let channels = mean.count
    var (sum, squares, count) = ([Double](repeating: 0, count: channels), [Double](), 0.0)
    squares = sum
    for image in Self.images {
      guard let view = session.input(input.name) else { return nil }
      _ = preprocessing.apply(image, as: input, to: view.base)
      try session.run()
      guard let output = session.output(value), output.shape.count == 4,
        output.shape[1] == channels, output.elementType == .float32
      else { return nil }
      let plane = output.shape[2] * output.shape[3]
      output.withUnsafeBytes { bytes in
        let values = bytes.bindMemory(to: Float.self)
        for channel in 0..<channels {
          for value in values[channel * plane..<(channel + 1) * plane] {
            sum[channel] += Double(value)
            squares[channel] += Double(value) * Double(value)
          }
        }
      }
      count += Double(plane)
    }
    let distances = (0..<channels).compactMap { channel -> Double? in
      let m = sum[channel] / count
      let s = squares[channel] / count - m * m
      // A channel that never varies tells nothing.
      guard s > 1e-12, variance[channel] > 1e-12 else { return nil }
      return abs(0.5 * log(variance[channel] / s))
        + abs(mean[channel] - m) / (variance[channel] + s).squareRoot()
    }
    guard distances.count * 2 > channels else { return nil }
    let middle = distances.sorted()[distances.count / 2]
    return middle.isFinite ? middle : nil
  }
}
