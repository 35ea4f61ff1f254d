import ObjectDetection
import Tensors
import TestSupport
import Testing
import Training

/// Matching by what a head's maps mean, on heads of each layout.
@Suite struct HeadMatchingTests {
  /// A layout with its maps.
  enum Layout: CaseIterable {
    case distributions, objectness, anchors

    static let classes = ["a", "b", "c"]

    var shapes: [[Int]] {
      switch self {
      case .distributions: [[2, 16 + 3, 4, 4], [2, 16 + 3, 2, 2]]
      case .objectness: [[2, 4, 4, 4], [2, 1, 4, 4], [2, 3, 4, 4]]
      case .anchors: [[2, 2 * 8, 4, 4]]
      }
    }

    var head: RawHead {
      var head: RawHead
      switch self {
      case .distributions:
        head = RawHead(
          taps: ["p", "q"],
          levels: [4, 2].enumerated().map {
            HeadLevel(
              stride: 32 / $1, rows: $1, columns: $1, box: .init(map: $0),
              classes: .init(map: $0, first: 16))
          }, configuration: HeadConfiguration(family: "yolov8", classes: Self.classes), regMax: 3)
      case .objectness:
        head = RawHead(
          taps: ["p", "q", "r"],
          levels: [
            HeadLevel(
              stride: 8, rows: 4, columns: 4, box: .init(map: 0), classes: .init(map: 2),
              objectness: .init(map: 1))
          ], configuration: HeadConfiguration(family: "yolox", classes: Self.classes), regMax: 0)
      case .anchors:
        head = RawHead(
          taps: ["p"],
          levels: [
            HeadLevel(
              stride: 8, rows: 4, columns: 4, box: .init(map: 0), classes: .init(map: 0, first: 5),
              objectness: .init(map: 0, first: 4))
          ], configuration: HeadConfiguration(family: "yolov5", classes: Self.classes), regMax: 0)
      }
      return head
    }
  }

  private func references(_ fixture: LossFixture) -> [UnsafePointer<Float>] {
    fixture.values.compactMap { $0.baseAddress.map { UnsafePointer($0) } }
  }

  @Test(arguments: Layout.allCases)
  func theGradientIsTheSlopeOfTheValue(layout: Layout) throws {
    let matching = try #require(HeadMatching(layout.head))
    let other = LossFixture(layout.shapes, seed: 5)
    let fixture = LossFixture(layout.shapes, seed: 3)
    let error = fixture.directionalError { matching.evaluate($0, references(other)) }
    #expect(error < Tolerance.finiteDifference.bound)
  }

  @Test(arguments: Layout.allCases)
  func equalMapsHaveNoDistanceAndOthersSome(layout: Layout) throws {
    let matching = try #require(HeadMatching(layout.head))
    let (one, other) = (LossFixture(layout.shapes, seed: 3), LossFixture(layout.shapes, seed: 5))
    let same = matching.evaluate(one.maps, references(one))
    #expect(same.parts.allSatisfy { abs($0) < 1e-6 })
    #expect(one.gradient.allSatisfy { abs($0) < 1e-6 })
    let apart = matching.evaluate(one.maps, references(other))
    #expect(apart.parts.count == 2 && apart.parts.allSatisfy { $0 > 0.01 })
  }

  /// Where the other network sees nothing, boxes are left alone.
  @Test(arguments: Layout.allCases)
  func cellsWithoutObjectsTeachNothingOfBoxes(layout: Layout) throws {
    let matching = try #require(HeadMatching(layout.head))
    let quiet = LossFixture(layout.shapes, seed: 5, range: -20 ... -15)
    let fixture = LossFixture(layout.shapes, seed: 3)
    let value = matching.evaluate(fixture.maps, references(quiet))
    #expect(value.parts[1] == 0 && value.parts[0] > 0)
  }

  /// Where the other network says that there is no object, its classes are chance.
  @Test(arguments: [Layout.objectness, .anchors])
  func cellsWithoutObjectnessTeachNothingOfClasses(layout: Layout) throws {
    let matching = try #require(HeadMatching(layout.head))
    let quiet = LossFixture(layout.shapes, seed: 5, range: -1...1)
    let level = layout.head.levels[0]
    let place = try #require(level.objectness)
    let plane = level.rows * level.columns
    let fields = layout == .anchors ? 3 + 5 : 1
    for (index, values) in quiet.values.enumerated() where index == place.map {
      let channels = layout.shapes[index][1]
      for channel in 0..<2 * channels where channel % channels % fields == place.first {
        for cell in 0..<plane { values[channel * plane + cell] = -40 }
      }
    }
    let fixture = LossFixture(layout.shapes, seed: 3)
    _ = matching.evaluate(fixture.maps, references(quiet))
    let moved = fixture.gradient.count { abs($0) > 1e-12 }
    #expect(moved == 2 * plane * (layout == .anchors ? 2 : 1), "only objectness is taught")
  }
}
