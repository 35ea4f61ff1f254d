import Foundation
import ObjectDetection
import Training

/// The focal and attention parts of ``DistillationLoss/focalAndGlobal``, on one image.
struct FocalLoss: Sendable {
  var foreground: Float
  var background: Float
  var attention: Float
  var temperature: Float

  /// The value, to be divided by the number of images; adds its gradient times `scale`.
  func evaluate(
    _ map: RawMap, _ teacher: UnsafePointer<Float>, image: Int, stride: Int,
    objects: [LabelledBox], scale: Float
  ) -> Double {
    let (channels, cells) = (map.channels, map.cells)
    let first = image * channels * cells
    let own = FocalAttention(map.values + first, channels, cells, temperature)
    let other = FocalAttention(teacher + first, channels, cells, temperature)
    let mask = cellWeights(map, stride: stride, objects)
    var focal = 0.0
    for channel in 0..<channels {
      for cell in 0..<cells {
        let place = first + channel * cells + cell
        let weight = mask[cell] * other.cells[cell] * other.channels[channel]
        let error = map.values[place] - teacher[place]
        focal += Double(weight * error * error)
        map.gradient[place] += scale * 2 * weight * error
      }
    }
    let look = own.compare(other, map, first: first, scale: scale * attention)
    return focal + Double(attention) * look
  }

  /// The weight of each cell: from the smallest box over it, or from the number of cells outside
  /// all boxes.
  private func cellWeights(
    _ map: RawMap, stride: Int, _ objects: [LabelledBox]
  ) -> [Float] {
    let (rows, columns) = (map.shape[2], map.shape[3])
    var inside = [Float](repeating: 0, count: rows * columns)
    for object in objects {
      let box = object.box
      func cell(_ pixel: Double, _ count: Int) -> Int {
        min(max(Int((pixel / Double(stride)).rounded(.down)), 0), count - 1)
      }
      let (left, right) = (cell(box.left, columns), cell(box.right, columns))
      let (top, bottom) = (cell(box.top, rows), cell(box.bottom, rows))
      let share = 1 / Float((bottom - top + 1) * (right - left + 1))
      for row in top...max(top, bottom) {
        for column in left...max(left, right) {
          inside[row * columns + column] = max(inside[row * columns + column], share)
        }
      }
    }
    let outside = Float(max(inside.count { $0 == 0 }, 1))
    return inside.map { $0 > 0 ? foreground * $0 : background / outside }
  }
}

/// The attention of an image's map over cells and over channels: softmaxes of mean absolute values,
/// times their number.
private struct FocalAttention {
  private(set) var cells: [Float]
  private(set) var channels: [Float]
  private let temperature: Float

  init(_ values: UnsafePointer<Float>, _ channelCount: Int, _ cellCount: Int, _ temperature: Float)
  {
    self.temperature = temperature
    cells = Array(repeating: 0, count: cellCount)
    channels = Array(repeating: 0, count: channelCount)
    for channel in 0..<channelCount {
      for cell in 0..<cellCount {
        let value = values[channel * cellCount + cell].magnitude
        cells[cell] += value / Float(channelCount)
        channels[channel] += value / Float(cellCount)
      }
    }
    cells = Self.softmax(cells, temperature)
    channels = Self.softmax(channels, temperature)
  }

  private static func softmax(_ values: [Float], _ temperature: Float) -> [Float] {
    let largest = values.max() ?? 0
    let powers = values.map { exp(($0 - largest) / temperature) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum * Float(values.count) }
  }

  /// `‖A − A′‖₁` of cells and channels; adds its gradient times `scale`.
  func compare(_ other: FocalAttention, _ map: RawMap, first: Int, scale: Float) -> Double {
    let (cellError, cellSlopes) = slopes(cells, other.cells)
    let (channelError, channelSlopes) = slopes(channels, other.channels)
    let (cellCount, channelCount) = (cells.count, channels.count)
    for channel in 0..<channelCount {
      for cell in 0..<cellCount {
        let place = first + channel * cellCount + cell
        let value = map.values[place]
        let sign: Float = value > 0 ? 1 : value < 0 ? -1 : 0
        let slope =
          cellSlopes[cell] / Float(channelCount) + channelSlopes[channel] / Float(cellCount)
        map.gradient[place] += scale * sign * slope
      }
    }
    return cellError + channelError
  }

  /// The distance of two attentions, and its gradient with respect to the means before the first
  /// one's softmax.
  private func slopes(_ own: [Float], _ other: [Float]) -> (error: Double, slopes: [Float]) {
    let count = Float(own.count)
    var error = 0.0
    let signs = zip(own, other).map { a, b -> Float in
      error += Double((a - b).magnitude)
      return a > b ? 1 : a < b ? -1 : 0
    }
    let along = zip(signs, own).reduce(Float(0)) { $0 + $1.0 * $1.1 / count }
    return (error, zip(signs, own).map { ($0 - along) * $1 / temperature })
  }
}
