import Foundation

/// Which pixels the objects of a ``SyntheticScene`` cover, and their boxes; nothing is painted.
struct SceneOutlines {
  private let objects: [SyntheticScene.Object]
  /// The whole extent of each object, hidden parts included.
  private var extents: [Extent] = []
  /// How many pixels of each object nothing hides.
  private var visible: [Int]

  /// What an object covers.
  private struct Extent {
    var left = Int.max
    var top = Int.max
    var right = -1
    var bottom = -1
    var pixels = 0
  }

  init(_ scene: SyntheticScene) {
    let size = scene.size
    objects = scene.layout().objects
    visible = Array(repeating: 0, count: objects.count)
    // Which object each pixel shows; −1 for none.
    var owner = [Int16](repeating: -1, count: size * size)
    for (index, object) in objects.enumerated() {
      var extent = Extent()
      for (place, part, _, _) in object.coverage(in: size) where part >= 0.5 {
        owner[place] = Int16(index)
        let (row, column) = place.quotientAndRemainder(dividingBy: size)
        extent.left = min(extent.left, column)
        extent.right = max(extent.right, column)
        extent.top = min(extent.top, row)
        extent.bottom = max(extent.bottom, row)
        extent.pixels += 1
      }
      extents.append(extent)
    }
    for index in owner where index >= 0 { visible[Int(index)] += 1 }
  }

  /// The objects of which enough is to be seen: at least two fifths of the pixels, and at least twelve.
  func annotations(image: Int) -> [Dataset.Annotation] {
    objects.indices.compactMap { index in
      let extent = extents[index]
      guard visible[index] >= 12, 5 * visible[index] >= 2 * extent.pixels else { return nil }
      return Dataset.Annotation(
        id: 0, image: image, category: objects[index].shape.rawValue + 1, x: Double(extent.left),
        y: Double(extent.top), width: Double(extent.right - extent.left + 1),
        height: Double(extent.bottom - extent.top + 1), area: Double(visible[index]))
    }
  }

  /// The pixels that a shape covers, with how much of each; distances are in pixels.
  static func coverage(
    in size: Int, around centre: SIMD2<Float>, reach: Float, distance: (Float, Float) -> Float
  ) -> [(place: Int, part: Float, x: Float, y: Float)] {
    func range(_ middle: Float) -> Range<Int> {
      let first = max(0, Int((middle - reach).rounded(.down)))
      let last = min(size, Int((middle + reach).rounded(.up)))
      return first..<max(first, last)
    }
    var covered: [(place: Int, part: Float, x: Float, y: Float)] = []
    for row in range(centre.y) {
      for column in range(centre.x) {
        let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
        let part = min(max(0.5 - distance(x, y), 0), 1)
        if part > 0 { covered.append((row * size + column, part, x, y)) }
      }
    }
    return covered
  }
}

extension SyntheticScene.Object {
  /// The pixels that the object covers in a picture of that many rows and columns, with how much of each.
  func coverage(in size: Int) -> [(place: Int, part: Float, x: Float, y: Float)] {
    let (cosine, sine) = (cos(angle), sin(angle))
    let (wide, high) = (radius * aspect.squareRoot(), radius / aspect.squareRoot())
    let reach = max(wide, high) * 1.25 + 2
    return SceneOutlines.coverage(in: size, around: SIMD2(x, y), reach: reach) { column, row in
      let (dx, dy) = (column - x, row - y)
      let u = (dx * cosine + dy * sine) / wide
      let v = (-dx * sine + dy * cosine) / high
      return shape.distance(u, v) * min(wide, high)
    }
  }
}
