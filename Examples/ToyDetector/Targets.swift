import Foundation

/// What the stages of the detector are fitted to.
enum Targets {
  /// Pixels a cell of the coverage maps.
  static let coverageStride = 4
  /// Pixels a cell of the detections.
  static let stride = 8
  static let cells = Scene.side / stride
  /// Cells at which an object's likelihood has fallen to 1/e of that at its centre.
  private static let spread: Float = 0.8

  /// How much of each cell each class covers, 0 to 1: one row a cell, one column a class.
  static func coverage(_ scenes: [Scene]) -> Matrix {
    let side = Scene.side / coverageStride
    let classes = Scene.Shape.allCases.count
    var result = Matrix(columns: classes)
    for scene in scenes {
      var map = [Float](repeating: 0, count: side * side * classes)
      for object in scene.objects {
        for y in max(0, Int(object.top))..<min(Scene.side, Int(object.bottom) + 1) {
          for x in max(0, Int(object.left))..<min(Scene.side, Int(object.right) + 1)
          where object.covers(Float(x) + 0.5, Float(y) + 0.5) {
            let cell = y / coverageStride * side + x / coverageStride
            map[cell * classes + object.shape.rawValue] += 1
          }
        }
      }
      result.values += map.map { $0 / Float(coverageStride * coverageStride) }
    }
    return result
  }

  /// For each cell: the box of the nearest object in YOLOX's terms, how near it is, its class.
  ///
  /// Columns: `x/s − column, y/s − row, ln(w/s), ln(h/s)`, `exp(−(d/spread)²)` with `d` the distance of the cell's centre
  /// from the object's in cells, and 1 in the class's column.
  struct Boxes {
    var boxes = Matrix(columns: 4)
    var nearness = Matrix(columns: 1)
    var classes = Matrix(columns: Scene.Shape.allCases.count)

    init(_ scenes: [Scene]) {
      for scene in scenes {
        for cell in 0..<cells * cells { append(scene, column: cell % cells, row: cell / cells) }
      }
    }

    private mutating func append(_ scene: Scene, column: Int, row: Int) {
      let size = Float(stride)
      let (column, row) = (Float(column), Float(row))
      func distance(_ object: Scene.Object) -> Float {
        let centre = object.centre
        return hypot(column + 0.5 - centre.x / size, row + 0.5 - centre.y / size)
      }
      let nearest = scene.objects.min { distance($0) < distance($1) }
      guard let object = nearest else {
        boxes.values += [0, 0, 0, 0]
        nearness.values.append(0)
        classes.values += Scene.Shape.allCases.map { _ in 0 }
        return
      }
      boxes.values += [
        object.centre.x / size - column, object.centre.y / size - row, log(object.width / size),
        log(object.height / size),
      ]
      let scaled = distance(object) / spread
      nearness.values.append(exp(-scaled * scaled))
      classes.values += Scene.Shape.allCases.map { $0 == object.shape ? 1 : 0 }
    }
  }
}
