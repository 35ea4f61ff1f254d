import ObjectDetection
import Tensors
import TestSupport
import Testing
import Training

@Suite struct YOLOv5LossTests {
  private static let levels = [
    HeadLevel(
      stride: 8, rows: 8, columns: 8, box: .init(map: 0), classes: .init(map: 0, first: 5)),
    HeadLevel(
      stride: 16, rows: 4, columns: 4, box: .init(map: 1), classes: .init(map: 1, first: 5)),
  ]
  private static let anchors: [[[Double]]] = [[[8, 8], [20, 12]], [[30, 40], [50, 20]]]
  private static let shapes = [[2, 16, 8, 8], [2, 16, 4, 4]]
  private static let targets = [
    [
      LabelledBox(box: Box(left: 5, top: 7, right: 30, bottom: 41), classIndex: 0),
      LabelledBox(box: Box(left: 20, top: 20, right: 60, bottom: 50), classIndex: 2),
    ],
    [LabelledBox(box: Box(left: 1, top: 33, right: 9, bottom: 40), classIndex: 1)],
  ]
  private static let loss = YOLOv5Loss(levels: levels, anchors: anchors, classes: 3)
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

  @Test(arguments: [1.0, 1.05]) func darknetsBoxesHaveTheirOwnGradient(spread: Double) {
    var loss = Self.loss
    loss.coding = AnchorCoding(spread: spread, isExponential: true)
    loss.overlap = .giou
    let fixture = LossFixture(Self.shapes, seed: 9)
    let positives = loss.positives(fixture.maps, Self.targets, pool: Self.pool)
    // No centre reaches into a neighbouring cell.
    #expect(positives[1].map(\.cell) == [32, 32])
    let error = fixture.directionalError { maps in
      loss.evaluate(maps, targets: Self.targets, positives: positives, pool: Self.pool)
    }
    #expect(error < Tolerance.finiteDifference.bound)
  }

  @Test func anObjectIsAnsweredForByFittingAnchorsOfThreeCells() {
    let fixture = LossFixture(Self.shapes, seed: 4)
    let positives = Self.loss.positives(fixture.maps, Self.targets, pool: Self.pool)
    // 8 × 7 pixels fit the first two anchors of the fine scale, and none of the coarse one.
    #expect(Set(positives[1].map(\.level)) == [0])
    #expect(Set(positives[1].map(\.anchor)) == [0, 1])
    // The centre (5, 36.5) lies in column 0, row 4, right of the middle and below it.
    #expect(Set(positives[1].map(\.cell)) == [32, 33, 40])
    #expect(positives.joined().allSatisfy { (0...1).contains($0.overlap) })
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
    #expect(fixture.gradient.count { $0 > 0 } == 2 * 2 * (64 + 16))
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
    #expect(after[0] < before[0] / 2, "\(before) \(after)")
  }
}
