import TestSupport
import Testing

import Training

/// Three steps of each optimiser against PyTorch 2.15 on the same numbers.
@Suite struct OptimizerTests {
  struct Golden: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var optimizer: Optimizer
    var decay: Float
    var expected: [Float]
  }

  static let goldens = [
    Golden(
      testDescription: "SGD with momentum", optimizer: .sgd(nesterov: false), decay: 0.05,
      expected: [0.8651436, -1.91978729, 0.08732993, 2.85943413]),
    Golden(
      testDescription: "SGD with Nesterov's momentum", optimizer: .sgd(), decay: 0.05,
      expected: [0.86591899, -2.00103307, -0.02329041, 2.90641832]),
    Golden(
      testDescription: "plain SGD", optimizer: .sgd(momentum: 0, nesterov: false), decay: 0,
      expected: [1, -2.1, 0.35, 3.075]),
    Golden(
      testDescription: "AdamW", optimizer: .adamW(), decay: 0.05,
      expected: [0.8015182, -1.88358569, 0.33299148, 2.79371119]),
  ]

  private static let gradients: [[Float]] = [
    [0.5, -1, 2, 0.25], [0.25, 0.5, -1, 1], [-0.75, 1.5, 0.5, -2],
  ]

  @Test(arguments: goldens)
  func threeStepsAgreeWithPyTorch(golden: Golden) {
    for scale: Float in [1, 0.5] {
      let result = Self.run(golden.optimizer, decay: golden.decay, scale: scale)
      for (value, expected) in zip(result, golden.expected) {
        #expect(abs(value - expected) < 1e-6, "\(result)")
      }
    }
  }

  /// Three steps at a rate of 0.1, on gradients divided by `scale`, which the update multiplies by
  /// it.
  private static func run(_ optimizer: Optimizer, decay: Float, scale: Float) -> [Float] {
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: 16)
    defer { memory.deallocate() }
    memory.initialize(repeating: 0, count: 16)
    for (index, value) in ([1, -2, 0.5, 3] as [Float]).enumerated() { memory[index] = value }
    for (step, gradient) in gradients.enumerated() {
      for (index, value) in gradient.enumerated() { memory[4 + index] = value / scale }
      optimizer.update(
        OptimizerUpdate(
          values: memory, gradient: UnsafePointer(memory + 4),
          state: (0..<optimizer.slots).map { memory + 8 + 4 * $0 }, count: 4, step: step,
          learningRate: 0.1, weightDecay: decay, gradientScale: scale))
    }
    return (0..<4).map { memory[$0] }
  }

  @Test func schedulesStartAtOneAndEndAtTheirFactor() {
    for schedule in LearningRateSchedule.all(final: 0.05) {
      let (start, end) = (schedule.factor(0), schedule.factor(1))
      switch schedule.name {
      case "constant": #expect(start == 1 && end == 1)
      case "step": #expect(start == 1 && abs(end - 0.01) < 1e-12)
      case "one-cycle":
        #expect(abs(start - 0.04) < 1e-12 && abs(end - 0.05) < 1e-12)
        #expect(abs(schedule.factor(0.3) - 1) < 1e-12)
      default:
        #expect(abs(start - 1) < 1e-12 && abs(end - 0.05) < 1e-12)
        #expect(abs(schedule.factor(0.5) - 0.525) < 1e-12)
      }
    }
  }
}
