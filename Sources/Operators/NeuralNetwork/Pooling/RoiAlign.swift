import Foundation
import GraphIR
import Tensors

/// The part of an image's map that each region covers, brought to one size by bilinear samples in
/// each cell.
///
/// Inputs: x `[N, C, H, W]`, regions `[R, 4]` as left, top, right and bottom, and the image of each
/// `[R]`. Output: `[R, C, output_height, output_width]`, the mean of a cell's samples or the
/// largest weighted neighbour.
///
/// Reference: He et al., *Mask R-CNN*, ICCV 2017, arXiv:1703.06870, §3.
struct RoiAlign: Operator, ChannelOperator {
  static let opType = "RoiAlign"

  /// Samples of a region; more are refused, so that none takes minutes.
  private static let mostSamples = 1 << 22

  let takesMean: Bool
  let height: Int
  let width: Int
  let samplingRatio: Int
  let scale: Float
  let shiftsHalf: Bool

  init(attributes: Attributes, opset: Int) throws {
    let mode = try attributes.string("mode", default: "avg")
    guard mode == "avg" || mode == "max" else {
      throw AttributeError.invalid(name: "mode", reason: "is '\(mode)', expected avg or max")
    }
    takesMean = mode == "avg"
    let transformation = try attributes.string(
      "coordinate_transformation_mode", default: opset < 16 ? "output_half_pixel" : "half_pixel")
    guard transformation == "half_pixel" || transformation == "output_half_pixel" else {
      throw AttributeError.invalid(
        name: "coordinate_transformation_mode",
        reason: "is '\(transformation)', expected half_pixel or output_half_pixel")
    }
    shiftsHalf = transformation == "half_pixel"
    func number(_ name: String, default fallback: Int, atLeast lowest: Int) throws -> Int {
      let value = try attributes.int(name, default: fallback)
      guard (lowest...1 << 16).contains(value) else {
        throw AttributeError.invalid(name: name, reason: "is \(value)")
      }
      return value
    }
    height = try number("output_height", default: 1, atLeast: 1)
    width = try number("output_width", default: 1, atLeast: 1)
    samplingRatio = try number("sampling_ratio", default: 0, atLeast: 0)
    scale = try attributes.float("spatial_scale", default: 1)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let (x, regions) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 4...4)
    try regions.check(1, holds: x.elementType)
    try regions.check(1, rank: 2...2)
    try regions.check(1, shape: [regions.shape[0], 4], "the regions")
    let images = try inputs.required(2)
    try images.check(2, holds: .int64)
    try images.check(2, shape: [regions.shape[0]], "the image of each region")
    guard x.shape[2] > 0, x.shape[3] > 0 else {
      throw OperatorError.shape(input: 0, found: x.shape, reason: "has no elements to sample")
    }
    return [
      try TensorType(checking: x.elementType, [regions.shape[0], x.shape[1], height, width])
    ]
  }

  func forward(_ call: OperatorCall) throws {
    try call.outputs[0].elementType == .float32 ? align(call, Float.self) : align(call, Double.self)
  }

  private func align<Real: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Real.Type
  ) throws {
    let (x, regions, images) = (try call.input(0), try call.input(1), try call.input(2))
    let corners = regions.words(as: Real.self)
    let y = call.outputs[0].words(as: Real.self)
    let (channels, area) = (x.shape[1], x.shape[2] * x.shape[3])
    for region in 0..<regions.shape[0] {
      let image = images.integer(at: region)
      guard image >= 0, image < x.shape[0] else {
        throw OperatorErrors.index(image, extent: x.shape[0])
      }
      let cells = try samples(
        (0..<4).map { Double(corners[region * 4 + $0]) }, height: x.shape[2], width: x.shape[3])
      call.pool.forEach(channels) { channel in
        let map = x.words(as: Real.self) + (image * channels + channel) * area
        let target = y + (region * channels + channel) * cells.count
        for (cell, taps) in cells.enumerated() {
          target[cell] = Real(takesMean ? mean(taps, map) : largest(taps, map))
        }
      }
    }
  }

  /// Four neighbours of a sample and their weights.
  private typealias Taps = (places: SIMD4<Int>, weights: SIMD4<Double>)

  private func mean<Real: BinaryFloatingPoint>(
    _ taps: [Taps], _ map: UnsafePointer<Real>
  ) -> Double {
    taps.reduce(0.0) { sum, tap in
      (0..<4).reduce(sum) { $0 + tap.weights[$1] * Double(map[tap.places[$1]]) }
    } / Double(max(taps.count, 1))
  }

  private func largest<Real: BinaryFloatingPoint>(
    _ taps: [Taps], _ map: UnsafePointer<Real>
  ) -> Double {
    taps.lazy.flatMap { tap in (0..<4).map { tap.weights[$0] * Double(map[tap.places[$0]]) } }
      .max() ?? 0
  }

  /// The samples of each cell of a region, row by row.
  private func samples(_ corners: [Double], height: Int, width: Int) throws -> [[Taps]] {
    let shift = shiftsHalf ? 0.5 : 0
    let (left, top) = (corners[0] * Double(scale) - shift, corners[1] * Double(scale) - shift)
    var extent = (
      x: corners[2] * Double(scale) - shift - left, y: corners[3] * Double(scale) - shift - top
    )
    if !shiftsHalf { extent = (max(extent.x, 1), max(extent.y, 1)) }
    let cell = (x: extent.x / Double(self.width), y: extent.y / Double(self.height))
    let columns = try sampleCount(cell.x)
    let rows = try sampleCount(cell.y)
    guard max(rows * columns, 1) <= Self.mostSamples / (self.width * self.height) else {
      throw OperatorError.unsupported("a region of \(rows) · \(columns) samples a cell")
    }
    return (0..<self.height * self.width).map { index in
      let start = (
        x: left + Double(index % self.width) * cell.x, y: top + Double(index / self.width) * cell.y
      )
      return (0..<rows * columns).map { sample in
        taps(
          x: start.x + (Double(sample % columns) + 0.5) * cell.x / Double(columns),
          y: start.y + (Double(sample / columns) + 0.5) * cell.y / Double(rows),
          height: height, width: width)
      }
    }
  }

  private func sampleCount(_ cell: Double) throws -> Int {
    if samplingRatio > 0 { return samplingRatio }
    guard cell.isFinite, cell <= 4096 else {
      throw OperatorError.unsupported("a region with cells of \(cell) elements")
    }
    return cell > 0 ? Int(cell.rounded(.up)) : 0
  }

  private func taps(x: Double, y: Double, height: Int, width: Int) -> Taps {
    guard y >= -1, y <= Double(height), x >= -1, x <= Double(width) else { return (.zero, .zero) }
    func neighbours(_ place: Double, _ extent: Int) -> (low: Int, high: Int, fraction: Double) {
      let place = max(place, 0)
      let low = min(Int(place), extent - 1)
      return low == extent - 1 ? (low, low, 0) : (low, low + 1, place - Double(low))
    }
    let (row, column) = (neighbours(y, height), neighbours(x, width))
    let (below, right) = (row.fraction, column.fraction)
    return (
      SIMD4(
        row.low * width + column.low, row.low * width + column.high, row.high * width + column.low,
        row.high * width + column.high),
      SIMD4((1 - below) * (1 - right), (1 - below) * right, below * (1 - right), below * right)
    )
  }

  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}
