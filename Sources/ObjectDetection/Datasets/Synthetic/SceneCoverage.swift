/// The pixels of a picture that a shape covers at least in part.
enum SceneCoverage {
  /// A pixel: its index in the picture, the covered part, and its centre.
  typealias Pixel = (place: Int, part: Float, x: Float, y: Float)

  /// The pixels of `rows` and `columns` whose centres lie less than half a pixel outside an
  /// outline.
  ///
  /// - Parameter distance: The signed distance of a point to the outline in pixels, negative
  ///   inside.
  static func pixels(
    in size: Int, rows: Range<Int>, columns: Range<Int>, distance: (Float, Float) -> Float
  ) -> [Pixel] {
    var covered: [Pixel] = []
    for row in rows {
      for column in columns {
        let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
        let part = min(max(0.5 - distance(x, y), 0), 1)
        if part > 0 { covered.append((row * size + column, part, x, y)) }
      }
    }
    return covered
  }

  /// The rows or columns out of `size` that lie within `reach` of a centre.
  static func reached(from middle: Float, by reach: Float, in size: Int) -> Range<Int> {
    let first = max(0, Int((middle - reach).rounded(.down)))
    let last = min(size, Int((middle + reach).rounded(.up)))
    return first..<max(first, last)
  }
}

extension SyntheticScene.Object {
  /// The pixels that the object covers in a picture of that many rows and columns.
  func coverage(in size: Int) -> [SceneCoverage.Pixel] {
    let pose = SyntheticScene.Pose(self)
    return SceneCoverage.pixels(
      in: size, rows: pose.rows(of: size), columns: pose.columns(of: size)
    ) {
      let point = pose.local($0, $1)
      return shape.distance(point.x, point.y) * pose.shorter
    }
  }
}
