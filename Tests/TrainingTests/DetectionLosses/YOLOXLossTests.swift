import ObjectDetection
import Tensors
import TestSupport
import Testing
import Training

@Suite struct YOLOXLossTests {
  private static let levels = [
    HeadLevel(
      stride: 8, rows: 8, columns: 8, box: .init(map: 0), classes: .init(map: 0, first: 5),
      objectness: .init(map: 0, first: 4)),
    HeadLevel(
      stride: 16, rows: 4, columns: 4, box: .init(map: 1), classes: .init(map: 2),
      objectness: .init(map: 3)),
  ]
  private static let shapes = [[2, 8, 8, 8], [2, 4, 4, 4], [2, 3, 4, 4], [2, 1, 4, 4]]
  private static let targets = [
    [
      LabelledBox(box: Box(left: 5, top: 7, right: 30, bottom: 41), classIndex: 0),
      LabelledBox(box: Box(left: 20, top: 20, right: 60, bottom: 50), classIndex: 2),
    ],
    [LabelledBox(box: Box(left: 1, top: 33, right: 9, bottom: 40), classIndex: 1)],
  ]
  private static let loss = YOLOXLoss(levels: levels, classes: 3)
  private static let pool = ThreadPool(threads: 1)

  @Test(arguments: [UInt64(1), 2, 3])
  func theGradientAgreesWithDifferencesUnderAFixedAssignment(seed: UInt64) {
    let loss = Self.loss
    let fixture = LossFixture(Self.shapes, seed: seed)
    let positives = loss.positives(fixture.maps, Self.targets, pool: Self.pool)
    let error = fixture.directionalError { maps in
      loss.evaluate(maps, targets: Self.targets, positives: positives, pool: Self.pool)
    }
    #expect(error < Tolerance.finiteDifference.bound)
  }

  @Test func everyObjectIsAnsweredForByCellsNearby() {
    let fixture = LossFixture(Self.shapes, seed: 4)
    let positives = Self.loss.positives(fixture.maps, Self.targets, pool: Self.pool)
    #expect(Set(positives[0].map(\.target)) == [0, 1] && Set(positives[1].map(\.target)) == [0])
    #expect(positives.joined().allSatisfy { (0...1).contains($0.overlap) && $0.cell < 80 })
    #expect(Set(positives[0].map(\.cell)).count == positives[0].count)
  }

  @Test func threadsDoNotChangeTheLoss() {
    let (one, two) = (LossFixture(Self.shapes, seed: 5), LossFixture(Self.shapes, seed: 5))
    let first = Self.loss.evaluate(one.maps, targets: Self.targets, pool: Self.pool)
    let second = Self.loss.evaluate(two.maps, targets: Self.targets, pool: ThreadPool(threads: 3))
    #expect(first == second && one.gradient == two.gradient)
  }

  @Test func imagesWithoutObjectsPushObjectnessDown() {
    let fixture = LossFixture(Self.shapes, seed: 6)
    let value = Self.loss.evaluate(fixture.maps, targets: [[], []], pool: Self.pool)
    #expect(value.parts[0] == 0 && value.parts[2] == 0 && value.parts[1] > 0)
    #expect(fixture.gradient.count { $0 > 0 } == 2 * (64 + 16))
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
    let before = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool).parts
    for _ in 0..<600 {
      _ = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool)
      let gradient = fixture.gradient
      var place = 0
      for memory in fixture.values {
        for index in memory.indices {
          memory[index] -= 0.5 * gradient[place]
          place += 1
        }
      }
    }
    let after = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool).parts
    #expect(after[0] < before[0], "\(before) \(after)")
    #expect(after.reduce(0, +) < before.reduce(0, +) / 4, "\(before) \(after)")
  }
}
