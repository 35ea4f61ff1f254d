import Distill
import Foundation
import TestSupport
import Testing

@Suite struct SoftmaxDistillationTests {
  private func logits(_ seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<12).map { _ in Float.random(in: -4...4, using: &random) }
  }

  @Test(arguments: [0.5, 1, 4])
  func theGradientPointsWhereTheLossGrows(temperature: Double) {
    let loss = DistillationLoss.softmax(temperature: temperature)
    let (student, teacher, direction) = (logits(1), logits(2), logits(3))
    let step: Float = 1.0 / 256
    func moved(_ sign: Float) -> Double {
      let there = zip(student, direction).map { $0 + sign * step * $1 }
      return loss.evaluate(there, teacher, 4).loss
    }
    let slope = (moved(1) - moved(-1)) / Double(2 * step)
    let gradient = loss.evaluate(student, teacher, 4).gradient
    let product = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    #expect(normalizedMaxError([product], [slope]) < Tolerance.finiteDifference.bound)
  }

  @Test(arguments: DistillationLoss.all.map(\.name))
  func aStudentLikeItsTeacherLosesNothing(name: String) throws {
    let loss = try #require(DistillationLoss.all.first { $0.name == name })
    let result = loss.evaluate(logits(5), logits(5), 3)
    #expect(result.loss == 0)
    #expect(result.gradient.allSatisfy { $0 == 0 })
    #expect(loss.evaluate(logits(5), logits(6), 3).loss > 0)
  }

  @Test func twoClassesMatchTheWrittenOutDivergence() {
    // softmax(0, 0) = (½, ½) against softmax(ln 3, 0) = (¾, ¼).
    let result = DistillationLoss.softmax(temperature: 1).evaluate([1.0986123, 0], [0, 0], 2)
    let expected = 0.5 * log(4.0 / 3)
    #expect(normalizedMaxError([result.loss], [expected]) < Tolerance.fastMath.bound)
    #expect(normalizedMaxError(result.gradient, [0.25, -0.25]) < Tolerance.fastMath.bound)
  }
}
