import Tensors

/// The optimiser's part of a step: accumulates gradients, clips them and updates the parameters.
struct ParameterUpdater {
  private let optimizer: Optimizer
  private let decays: [Float]
  private let clipNorm: Double?
  /// The optimiser's state, slot by slot within each parameter.
  private(set) var slots: [[Tensor]]
  /// Sums of gradients over the batches of one step; empty when every batch is a step.
  private var sums: [Tensor] = []
  private var batches = 0

  init(
    _ step: TrainingStep, optimizer: Optimizer, decays: [Float], clipNorm: Double?,
    accumulation: Int
  ) {
    self.optimizer = optimizer
    self.decays = decays
    self.clipNorm = clipNorm
    let types = step.parameters.indices.map { TensorType(.float32, [step.values(of: $0).count]) }
    slots = types.map { type in (0..<optimizer.slots).map { _ in Tensor(zeros: type) } }
    if accumulation > 1 { sums = types.map { Tensor(zeros: $0) } }
  }

  /// Adds the gradients of a batch.
  mutating func accumulate(_ step: TrainingStep) {
    batches += 1
    for index in sums.indices {
      guard let gradient = step.gradient(of: index) else { continue }
      let isFirst = batches == 1
      sums[index].withUnsafeMutableElements(as: Float.self) { sum in
        for element in 0..<sum.count {
          sum[element] = (isFirst ? 0 : sum[element]) + gradient[element]
        }
      }
    }
  }

  /// Writes the mean gradients to the step's memory, where hooks and the optimiser find them.
  private mutating func publish(_ step: TrainingStep) {
    let share = 1 / Float(max(batches, 1))
    batches = 0
    for index in sums.indices {
      guard let gradient = step.gradient(of: index) else { continue }
      sums[index].withUnsafeElements(as: Float.self) { sum in
        for element in 0..<sum.count { gradient[element] = sum[element] * share }
      }
    }
  }

  /// Updates the parameters by the gradients of the batches since the last call.
  ///
  /// - Returns: whether the gradients were finite; if not, nothing is updated.
  mutating func update(
    _ step: TrainingStep, count: Int, learningRate: Float,
    adjustingGradients adjust: () -> Void
  ) -> Bool {
    publish(step)
    adjust()
    let norm = Self.norm(step)
    guard norm.isFinite else { return false }
    let clip = clipNorm.map { norm > $0 ? $0 / norm : 1 } ?? 1
    let scale = Float(clip)
    for index in step.parameters.indices {
      guard let gradient = step.gradient(of: index)?.baseAddress,
        let values = step.values(of: index).baseAddress
      else { continue }
      var state: [UnsafeMutablePointer<Float>] = []
      for slot in slots[index].indices {
        slots[index][slot].withUnsafeMutableElements(as: Float.self) {
          if let base = $0.baseAddress { state.append(base) }
        }
      }
      optimizer.update(
        OptimizerUpdate(
          values: values, gradient: gradient, state: state, count: step.values(of: index).count,
          step: count, learningRate: learningRate, weightDecay: decays[index],
          gradientScale: scale))
    }
    return true
  }

  /// The Euclidean norm of all gradients, summed parameter by parameter in order.
  private static func norm(_ step: TrainingStep) -> Double {
    var squares = 0.0
    for index in step.parameters.indices {
      guard let gradient = step.gradient(of: index) else { continue }
      var lanes = SIMD8<Double>()
      let count = gradient.count
      for start in stride(from: 0, to: count - count % 8, by: 8) {
        for lane in 0..<8 {
          let value = Double(gradient[start + lane])
          lanes[lane] += value * value
        }
      }
      var sum = lanes.sum()
      for element in (count - count % 8)..<count {
        sum += Double(gradient[element]) * Double(gradient[element])
      }
      squares += sum
    }
    return squares.squareRoot()
  }

  /// Restores the optimiser's state.
  mutating func restore(_ slots: [[Tensor]]) { self.slots = slots }
}
