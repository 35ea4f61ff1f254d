import Foundation
import Tensors

/// The exponential moving average of a network's parameters and running statistics.
///
/// `ā ← d·ā + (1 − d)·w` with `d = decay · (1 − e^(−step / ramp))`, so that the first steps lose
/// their weight quickly.
///
/// Reference: Polyak and Juditsky, SIAM J. Control Optim. 1992, here in the exponential form that
/// is usual for detectors.
struct WeightAverage {
  /// The averages by name.
  private(set) var values: [String: Tensor]
  private let decay: Double
  private let ramp: Double

  /// An average that starts at the given values.
  init(_ values: [String: Tensor], decay: Double, ramp: Double) {
    self.values = values
    self.decay = decay
    self.ramp = ramp
  }

  /// Adds the values after a step; `count` is the number of steps, from 1.
  mutating func update(_ step: TrainingStep, count: Int) {
    let keep = Float(decay * (1 - exp(-Double(count) / ramp)))
    for (index, name) in step.parameters.enumerated() {
      mix(name, step.values(of: index), keep)
    }
    for (index, name) in step.statistics.enumerated() {
      mix(name, step.values(ofStatistic: index), keep)
    }
  }

  private mutating func mix(
    _ name: String, _ source: UnsafeMutableBufferPointer<Float>, _ keep: Float
  ) {
    guard let from = source.baseAddress else { return }
    let take = 1 - keep
    values[name]?.withUnsafeMutableElements(as: Float.self) { target in
      guard let to = target.baseAddress else { return }
      for index in 0..<target.count { to[index] = keep * to[index] + take * from[index] }
    }
  }
}
