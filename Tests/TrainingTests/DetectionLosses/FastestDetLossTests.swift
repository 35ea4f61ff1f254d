import ObjectDetection
import Tensors
import TestSupport
import Testing
import Training

@Suite struct FastestDetLossTests {
  private static let levels = [
    HeadLevel(
      stride: 16, rows: 6, columns: 8, box: .init(map: 1), classes: .init(map: 2),
      objectness: .init(map: 0))
  ]
  private static let shapes = [[2, 1, 6, 8], [2, 4, 6, 8], [2, 3, 6, 8]]
  private static let targets = [
    [
      LabelledBox(box: Box(left: 5, top: 7, right: 60, bottom: 71), classIndex: 0),
      LabelledBox(box: Box(left: 40, top: 30, right: 120, bottom: 90), classIndex: 2),
    ],
    [LabelledBox(box: Box(left: 100, top: 60, right: 127, bottom: 95), classIndex: 1)],
  ]
  private static let loss = FastestDetLoss(levels: levels, classes: 3)
  private static let pool = ThreadPool(threads: 1)

  @Test(arguments: [UInt64(1), 2, 3])
  func theGradientAgreesWithDifferencesUnderAFixedAssignment(seed: UInt64) {
    // CIoU holds a factor fixed in its gradient, so differences are taken of the others.
    var loss = Self.loss
    loss.overlap = seed == 3 ? .iou : .giou
    let fixture = LossFixture(Self.shapes, seed: seed)
    let positives = loss.positives(fixture.maps, Self.targets, pool: Self.pool)
    let error = fixture.directionalError { maps in
      loss.evaluate(maps, targets: Self.targets, positives: positives, pool: Self.pool)
    }
    #expect(error < Tolerance.finiteDifference.bound)
  }

  @Test func candidatesAreTheFourCellsAroundACentre() {
    let fixture = LossFixture(Self.shapes, seed: 4)
    let positives = Self.loss.positives(fixture.maps, Self.targets, pool: Self.pool)
    // The centre (113.5, 77.5) lies in column 7, row 4: the next column is outside.
    #expect(Set(positives[1].map(\.cell)).isSubset(of: [39, 47]))
    // The centres (32.5, 39) and (80, 60) lie in columns 2 and 5, rows 2 and 3.
    let cells = Set([18, 19, 26, 27, 29, 30, 37, 38])
    #expect(Set(positives[0].map(\.cell)).isSubset(of: cells))
    let all = positives.joined()
    #expect(!all.isEmpty && all.count < 10)
    #expect(all.allSatisfy { (0...1).contains($0.overlap) })
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
    #expect(fixture.gradient.count { $0 > 0 } == 2 * 48)
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
          memory[index] -= 0.3 * gradient[place]
          place += 1
        }
      }
    }
    let after = Self.loss.evaluate(fixture.maps, targets: Self.targets, pool: Self.pool).parts
    #expect(after[0] < before[0] / 2 && after[2] < before[2] / 2, "\(before) \(after)")
  }
}
