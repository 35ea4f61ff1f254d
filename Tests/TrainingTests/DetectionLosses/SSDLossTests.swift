import ObjectDetection
import Tensors
import TestSupport
import Testing
import Training

@Suite struct SSDLossTests {
  private static let priors: [SIMD4<Double>] = (0..<16).flatMap { cell -> [SIMD4<Double>] in
    let (x, y) = (Double(cell % 4) * 16 + 8, Double(cell / 4) * 16 + 8)
    return [SIMD4(x - 9, y - 9, x + 9, y + 9), SIMD4(x - 16, y - 8, x + 16, y + 8)]
  }
  private static let shapes = [[2, 32, 4], [2, 32, 4]]
  private static let targets = [
    [
      LabelledBox(box: Box(left: 5, top: 7, right: 30, bottom: 21), classIndex: 0),
      LabelledBox(box: Box(left: 20, top: 20, right: 60, bottom: 50), classIndex: 2),
    ],
    [LabelledBox(box: Box(left: 1, top: 33, right: 9, bottom: 40), classIndex: 1)],
  ]
  private static let loss = SSDLoss(priors: priors, classes: 3)
  private static let pool = ThreadPool(threads: 1)

  @Test(arguments: [UInt64(1), 2, 3])
  func theGradientAgreesWithDifferencesUnderAFixedChoice(seed: UInt64) {
    let fixture = LossFixture(Self.shapes, seed: seed)
    let choices = Self.loss.choices(fixture.maps, Self.targets, pool: Self.pool)
    let error = fixture.directionalError { maps in
      Self.loss.evaluate(maps, targets: Self.targets, choices: choices, pool: Self.pool)
    }
    #expect(error < Tolerance.finiteDifference.bound)
  }

  @Test func everyObjectIsAnsweredForAndNegativesAreThreeTimesAsMany() {
    let fixture = LossFixture(Self.shapes, seed: 4)
    let choices = Self.loss.choices(fixture.maps, Self.targets, pool: Self.pool)
    for (choice, objects) in zip(choices, Self.targets) {
      #expect(Set(choice.positives.map(\.target)) == Set(objects.indices))
      #expect(choice.negatives.count == 3 * choice.positives.count)
      #expect(Set(choice.negatives).isDisjoint(with: choice.positives.map(\.prior)))
    }
  }

  @Test func threadsDoNotChangeTheLoss() {
    let (one, two) = (LossFixture(Self.shapes, seed: 5), LossFixture(Self.shapes, seed: 5))
    let first = Self.loss.evaluate(one.maps, targets: Self.targets, pool: Self.pool)
    let second = Self.loss.evaluate(two.maps, targets: Self.targets, pool: ThreadPool(threads: 3))
    #expect(first == second && one.gradient == two.gradient)
  }

  @Test func anObjectOnAPriorHasOffsetsOfZero() {
    let fixture = LossFixture(Self.shapes, seed: 6, range: 0...0)
    let prior = Self.priors[0]
    let box = Box(left: prior.x, top: prior.y, right: prior.z, bottom: prior.w)
    _ = Self.loss.evaluate(
      fixture.maps, targets: [[LabelledBox(box: box, classIndex: 0)], []], pool: Self.pool)
    // The offsets of the first prior come after the logits of both images.
    let offsets = fixture.gradient[256..<260]
    #expect(offsets.allSatisfy { $0.magnitude < 1e-6 })
  }

  @Test func extremeLogitsStayFinite() {
    for bound: Float in [50, 500] {
      let fixture = LossFixture(Self.shapes, seed: 7, range: -bound...bound)
      let value = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool)
      #expect(value.total.isFinite)
      #expect(fixture.gradient.allSatisfy { $0.isFinite })
    }
  }
}
