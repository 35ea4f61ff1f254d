import GraphIR
import Tensors

/// The loop of `GridSample`.
struct GridPlan: Sendable {
  let axes: [GridAxis]
  let channels: Int
  /// The elements of one channel.
  let area: Int

  /// The elements mixed into one on all axes together.
  private var taps: Int { axes.reduce(1) { $0 * $1.taps } }
  /// Places and weights along the axes and together.
  var scratchBytes: Int { 16 * (taps + 12) }

  func run<Real: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Real.Type
  ) throws {
    let x = try call.input(0).words(as: Real.self)
    let grid = try call.input(1).words(as: Real.self)
    let y = call.outputs[0].words(as: Real.self)
    let batch = call.outputs[0].shape[0]
    let count = call.outputs[0].shape[2...].product
    let parts = min(call.pool.threadCount, max(batch * count, 1))
    call.pool.forEach(parts) { part in
      let own = call.scratch + part * scratchBytes
      let places = own.assumingMemoryBound(to: Int.self)
      let weights = (own + 8 * (taps + 12)).assumingMemoryBound(to: Real.self)
      for index in batch * count * part / parts..<batch * count * (part + 1) / parts {
        mix(grid + index * axes.count, places, weights)
        let (image, place) = index.quotientAndRemainder(dividingBy: count)
        for channel in image * channels..<(image + 1) * channels {
          var sum: Real = 0
          for tap in 0..<taps where places[tap] >= 0 {
            sum += weights[tap] * x[channel * area + places[tap]]
          }
          y[channel * count + place] = sum
        }
      }
    }
  }

  /// Adds to each element of dx what the places that read it say, image by image.
  func addBack<Real: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Real.Type
  ) throws {
    let dy = try call.input(0)
    let grid = try call.input(1).words(as: Real.self)
    let (dx, count) = (call.outputs[0].elements(as: Real.self), dy.shape[2...].product)
    dx.update(repeating: 0)
    let given = dy.words(as: Real.self)
    call.pool.forEach(min(call.pool.threadCount, dy.shape[0])) { part in
      let own = call.scratch + part * scratchBytes
      let places = own.assumingMemoryBound(to: Int.self)
      let weights = (own + 8 * (taps + 12)).assumingMemoryBound(to: Real.self)
      for image in stride(from: part, to: dy.shape[0], by: call.pool.threadCount) {
        for place in 0..<count {
          mix(grid + (image * count + place) * axes.count, places, weights)
          for channel in image * channels..<(image + 1) * channels {
            let gradient = given[channel * count + place]
            for tap in 0..<taps where places[tap] >= 0 {
              dx[channel * area + places[tap]] += weights[tap] * gradient
            }
          }
        }
      }
    }
  }

  /// Elements of a channel and their weights for one place of the grid, axis by axis multiplied
  /// out.
  private func mix<Real: BinaryFloatingPoint>(
    _ place: UnsafePointer<Real>, _ places: UnsafeMutablePointer<Int>,
    _ weights: UnsafeMutablePointer<Real>
  ) {
    let (ownPlaces, ownWeights) = (places + taps, weights + taps)
    (places[0], weights[0]) = (0, 1)
    var made = 1
    for (index, axis) in axes.enumerated() {
      axis.mix(place[axes.count - 1 - index], into: ownPlaces, ownWeights)
      for old in (0..<made).reversed() {
        let (start, weight) = (places[old], weights[old])
        for tap in 0..<axis.taps {
          let isOutside = start < 0 || ownPlaces[tap] < 0
          places[old * axis.taps + tap] = isOutside ? -1 : start + ownPlaces[tap]
          weights[old * axis.taps + tap] = weight * ownWeights[tap]
        }
      }
      made *= axis.taps
    }
  }
}
