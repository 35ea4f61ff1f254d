import Foundation

/// The pixels that the objects of a ``SyntheticScene`` cover, and their boxes, without rendering.
struct SceneOutlines {
  private let objects: [SyntheticScene.Object]
  /// The whole extent of each object, hidden parts included.
  private var extents: [Extent] = []
  /// The number of visible pixels of each object.
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
      let pose = SyntheticScene.Pose(object)
      for row in pose.rows(of: size) {
        for column in pose.columns(of: size) {
          let point = pose.local(Float(column) + 0.5, Float(row) + 0.5)
          guard object.shape.contains(point.x, point.y) else { continue }
          owner[row * size + column] = Int16(index)
          extent.left = min(extent.left, column)
          extent.right = max(extent.right, column)
          extent.top = min(extent.top, row)
          extent.bottom = max(extent.bottom, row)
          extent.pixels += 1
        }
      }
      extents.append(extent)
    }
    for index in owner where index >= 0 { visible[Int(index)] += 1 }
  }

  /// The objects that are visible enough: at least two fifths of their pixels, and at least twelve.
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
}

extension SyntheticScene {
  /// How an object lies in a picture.
  struct Pose {
    private let middle: SIMD2<Float>
    private let cosine: Float
    private let sine: Float
    /// Half of the object's extents before it is rotated.
    private let wide: Float
    private let high: Float

    init(_ object: Object) {
      middle = SIMD2(object.x, object.y)
      (cosine, sine) = (cos(object.angle), sin(object.angle))
      let root = object.aspect.squareRoot()
      (wide, high) = (object.radius * root, object.radius / root)
    }

    /// The shorter of the half extents, in pixels.
    var shorter: Float { min(wide, high) }

    /// A point of the picture in the coordinates of the shape.
    func local(_ column: Float, _ row: Float) -> SIMD2<Float> {
      let (dx, dy) = (column - middle.x, row - middle.y)
      return SIMD2((dx * cosine + dy * sine) / wide, (-dx * sine + dy * cosine) / high)
    }

    /// The rows of a picture of that size which the object may reach.
    func rows(of size: Int) -> Range<Int> { reached(middle.y, size) }

    /// The columns of a picture of that size which the object may reach.
    func columns(of size: Int) -> Range<Int> { reached(middle.x, size) }

    private func reached(_ middle: Float, _ size: Int) -> Range<Int> {
      SceneCoverage.reached(from: middle, by: max(wide, high) * 1.25 + 2, in: size)
    }
  }
}
