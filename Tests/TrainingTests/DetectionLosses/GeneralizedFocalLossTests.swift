import ObjectDetection
import Tensors
import TestSupport
import Testing
import Training

@Suite struct GeneralizedFocalLossTests {
  private static let classes = 3
  private static let regMax = 7
  private static let levels = [
    HeadLevel(
      stride: 8, rows: 8, columns: 8, box: .init(map: 0), classes: .init(map: 0, first: 32)),
    HeadLevel(
      stride: 16, rows: 4, columns: 4, box: .init(map: 1), classes: .init(map: 2)),
  ]
  private static let shapes = [[2, 35, 8, 8], [2, 32, 4, 4], [2, 3, 4, 4]]
  private static let targets = [
    [
      LabelledBox(box: Box(left: 5, top: 7, right: 30, bottom: 41), classIndex: 0),
      LabelledBox(box: Box(left: 20, top: 20, right: 60, bottom: 50), classIndex: 2),
    ],
    [LabelledBox(box: Box(left: 13, top: 33, right: 15, bottom: 36), classIndex: 1)],
  ]
  private static let loss = GeneralizedFocalLoss(
    levels: levels, classes: classes, regMax: regMax)
  private static let pool = ThreadPool(threads: 1)

  @Test func theGradientAgreesWithDifferencesUnderAFixedAssignment() {
    for seed in 1...3 {
      let fixture = LossFixture(Self.shapes, seed: UInt64(seed))
      let positives = Self.loss.positives(fixture.maps, Self.targets, pool: Self.pool)
      let error = fixture.directionalError { maps in
        Self.loss.evaluate(
          maps, targets: Self.targets, positives: positives, pool: Self.pool)
      }
      #expect(error < Tolerance.finiteDifference.bound, "seed \(seed)")
    }
  }

  @Test func everyObjectIsAnsweredForEvenBetweenTheCells() {
    let fixture = LossFixture(Self.shapes, seed: 4)
    let positives = Self.loss.positives(fixture.maps, Self.targets, pool: Self.pool)
    #expect(Set(positives[0].map(\.target)) == [0, 1])
    #expect(!positives[1].isEmpty)
    #expect(Set(positives[0].map(\.cell)).count == positives[0].count)
  }

  @Test func threadsDoNotChangeTheLoss() {
    let one = LossFixture(Self.shapes, seed: 5)
    let two = LossFixture(Self.shapes, seed: 5)
    let first = Self.loss.evaluate(one.maps, targets: Self.targets, pool: Self.pool)
    let second = Self.loss.evaluate(
      two.maps, targets: Self.targets, pool: ThreadPool(threads: 3))
    #expect(first == second)
    #expect(one.gradient == two.gradient)
  }

  @Test func imagesWithoutObjectsPushAllScoresDown() {
    let fixture = LossFixture(Self.shapes, seed: 6)
    let value = Self.loss.evaluate(fixture.maps, targets: [[], []], pool: Self.pool)
    #expect(value.parts[1] == 0 && value.parts[2] == 0 && value.parts[0] > 0)
    let gradient = fixture.gradient
    #expect(gradient.allSatisfy { $0 >= 0 } && gradient.contains { $0 > 0 })
  }

  @Test func extremeLogitsStayFinite() {
    for bound: Float in [50, 500] {
      let fixture = LossFixture(Self.shapes, seed: 7, range: -bound...bound)
      let value = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool)
      #expect(value.total.isFinite)
      #expect(fixture.gradient.allSatisfy { $0.isFinite })
    }
  }

  @Test func descentFindsTheObjects() {
    let fixture = LossFixture(Self.shapes, seed: 8)
    var last = 0.0
    for _ in 0..<400 {
      last = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool).total
      let gradient = fixture.gradient
      var place = 0
      for memory in fixture.values {
        for index in memory.indices {
          memory[index] -= 0.5 * gradient[place]
          place += 1
        }
      }
    }
    let parts = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool).parts
    #expect(parts[1] < 0.5, "\(parts)")
    #expect(last.isFinite)
  }
}
