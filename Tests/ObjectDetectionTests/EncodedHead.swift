import Foundation
import ObjectDetection
import Tensors

/// Known objects written the way a head family writes them: the inverse of decoding, derived from
/// the families' papers and code, not from the decoders under test.
enum EncodedHead {
  static let classes = ["a", "b", "c", "d"]
  static let size = 320.0
  static let objects = [
    Detection(
      box: Box(left: 40, top: 50, right: 121, bottom: 172), classIndex: 2, confidence: 0.9),
    Detection(
      box: Box(left: 200, top: 180, right: 291, bottom: 299), classIndex: 0, confidence: 0.8),
    Detection(
      box: Box(left: 151, top: 20, right: 230, bottom: 97), classIndex: 3, confidence: 0.7),
  ]

  typealias Outputs = [(name: String, tensor: Tensor)]

  static func logit(_ p: Double) -> Float { Float(log(p / (1 - p))) }

  private static func centre(_ b: Box) -> (x: Double, y: Double) {
    ((b.left + b.right) / 2, (b.top + b.bottom) / 2)
  }

  /// A tensor of `background` with some elements set.
  private static func filled(
    _ shape: [Int], _ background: Float, _ set: (inout [Float]) -> Void
  ) -> Tensor {
    var values = [Float](repeating: background, count: shape.reduce(1, *))
    set(&values)
    return Tensor(values, shape: shape)
  }

  /// `[1, rows, fields]`, or transposed, with the given row for each object.
  private static func rows(
    _ count: Int, _ fields: Int, transposed: Bool = false, _ row: (Detection) -> (Int, [Float])
  ) -> Tensor {
    filled(transposed ? [1, fields, count] : [1, count, fields], 0) { values in
      for object in objects {
        let (index, fieldValues) = row(object)
        for (field, value) in fieldValues.enumerated() {
          values[transposed ? field * count + index : index * fields + field] = value
        }
      }
    }
  }

  private static func scores(_ object: Detection, _ value: Double) -> [Float] {
    classes.indices.map { $0 == object.classIndex ? Float(value) : 0 }
  }

  private static func centreSize(_ b: Box) -> [Float] {
    [Float(centre(b).x), Float(centre(b).y), Float(b.width), Float(b.height)]
  }

  // MARK: Decoded heads

  static func yolov5Decoded() -> Outputs {
    var place = 13
    let tensor = rows(6300, 9) { object in
      place += 1777
      return (
        place,
        centreSize(object.box) + [Float(object.confidence.squareRoot())]
          + scores(object, object.confidence.squareRoot())
      )
    }
    return [("output", tensor)]
  }

  static func yolov8Decoded(transposed: Bool) -> Outputs {
    var place = 5
    let tensor = rows(2100, 8, transposed: !transposed) { object in
      place += 611
      return (place, centreSize(object.box) + scores(object, object.confidence))
    }
    return [("output", tensor)]
  }

  static func endToEnd() -> Outputs {
    var place = -1
    let tensor = rows(300, 6) { object in
      place += 1
      let b = object.box
      return (
        place,
        [b.left, b.top, b.right, b.bottom, object.confidence, Double(object.classIndex)]
          .map(Float.init)
      )
    }
    return [("output", tensor)]
  }

  static func yolox(decoded: Bool) -> Outputs {
    // All objects in the map of stride 16, which starts after the 40 × 40 cells of stride 8.
    let tensor = rows(2100, 9) { object in
      let c = centre(object.box)
      let (column, row) = (Int(c.x / 16), Int(c.y / 16))
      let raw = [
        c.x / 16 - Double(column), c.y / 16 - Double(row), log(object.box.width / 16),
        log(object.box.height / 16),
      ].map(Float.init)
      let score = object.confidence.squareRoot()
      return (
        1600 + row * 20 + column,
        (decoded ? centreSize(object.box) : raw) + [Float(score)] + scores(object, score)
      )
    }
    return [("output", tensor)]
  }

  static func ssdDecoded() -> Outputs {
    var place = 100
    var index: [Int] = []
    let boxes = rows(3000, 4) { object in
      place += 700
      index.append(place)
      let b = object.box
      return (place, [b.left, b.top, b.right, b.bottom].map { Float($0 / size) })
    }
    let confidences = rows(3000, 5) { object in
      (index.removeFirst(), [Float(1 - object.confidence)] + scores(object, object.confidence))
    }
    return [("scores", confidences), ("boxes", boxes)]
  }

  // MARK: Raw heads

  /// Square priors of 64 and 100 pixels in the cells of stride 32, variances 0.1 and 0.2.
  static func ssdRaw() -> Outputs {
    func place(_ object: Detection) -> Int {
      let c = centre(object.box)
      return (Int(c.y / 32) * 10 + Int(c.x / 32)) * 2 + 1
    }
    let boxes = rows(200, 4) { object in
      let c = centre(object.box)
      let prior = ((Double(Int(c.x / 32)) + 0.5) * 32, (Double(Int(c.y / 32)) + 0.5) * 32)
      return (
        place(object),
        [
          (c.x - prior.0) / 100 / 0.1, (c.y - prior.1) / 100 / 0.1,
          log(object.box.width / 100) / 0.2, log(object.box.height / 100) / 0.2,
        ].map(Float.init)
      )
    }
    let confidences = rows(200, 5) { object in
      (place(object), [Float(1 - object.confidence)] + scores(object, object.confidence))
    }
    return [("scores", confidences), ("boxes", boxes)]
  }

  /// Every object with the second anchor of stride 16, 62 × 45, in `[1, 27, H, W]` or
  /// `[1, 3, H, W, 9]`.
  static func yolov5Raw(split: Bool) -> Outputs {
    [8, 16, 32].map { stride in
      let cells = 320 / stride
      let shape = split ? [1, 3, cells, cells, 9] : [1, 27, cells, cells]
      let tensor = filled(shape, -20) { values in
        guard stride == 16 else { return }
        for object in objects {
          let c = centre(object.box)
          let (column, row) = (Int(c.x / 16), Int(c.y / 16))
          let score = object.confidence.squareRoot()
          let fields: [Double] = [
            (c.x / 16 - Double(column) + 0.5) / 2, (c.y / 16 - Double(row) + 0.5) / 2,
            (object.box.width / 62).squareRoot() / 2, (object.box.height / 45).squareRoot() / 2,
            score,
          ]
          for (field, value) in fields.enumerated() {
            values[at(1, field, row, column)] = logit(value)
          }
          values[at(1, 5 + object.classIndex, row, column)] = logit(score)
        }
        func at(_ anchor: Int, _ field: Int, _ row: Int, _ column: Int) -> Int {
          split
            ? ((anchor * cells + row) * cells + column) * 9 + field
            : ((anchor * 9 + field) * cells + row) * cells + column
        }
      }
      return ("map\(stride)", tensor)
    }
  }

  /// Logits of a distribution whose mean is `distance`: the weight lies on the two bins around it.
  private static func distribution(_ distance: Double, bins: Int) -> [Float] {
    let low = Int(distance)
    let part = distance - Double(low)
    return (0..<bins).map { bin in
      let weight = bin == low ? 1 - part : bin == low + 1 ? part : 0
      return weight > 0 ? Float(log(weight)) : -60
    }
  }

  private static func sides(_ b: Box, _ x: Double, _ y: Double, _ stride: Double) -> [Double] {
    [x - b.left, y - b.top, b.right - x, b.bottom - y].map { $0 / stride }
  }

  static func yolov8Raw() -> Outputs {
    [8, 16, 32].map { stride in
      let cells = 320 / stride
      let tensor = filled([1, 68, cells, cells], -20) { values in
        guard stride == 16 else { return }
        for object in objects {
          let c = centre(object.box)
          let cell = Int(c.y / 16) * cells + Int(c.x / 16)
          let x = (Double(Int(c.x / 16)) + 0.5) * 16
          let y = (Double(Int(c.y / 16)) + 0.5) * 16
          for (side, distance) in sides(object.box, x, y, 16).enumerated() {
            for (bin, value) in distribution(distance, bins: 16).enumerated() {
              values[(side * 16 + bin) * cells * cells + cell] = value
            }
          }
          values[(64 + object.classIndex) * cells * cells + cell] = logit(object.confidence)
        }
      }
      return ("map\(stride)", tensor)
    }
  }

  /// NanoDet in six outputs, or NanoDet-Plus in one with a fourth stride and centres at the cells'
  /// corners.
  static func nanoDet(plus: Bool) -> Outputs {
    let strides = plus ? [8, 16, 32, 64] : [8, 16, 32]
    let levels = strides.map { stride in
      let cells = (320 / stride) * (320 / stride)
      func place(_ object: Detection) -> Int {
        Int(centre(object.box).y / 16) * 20 + Int(centre(object.box).x / 16)
      }
      var scoreRows = [[Float]](repeating: [0, 0, 0, 0], count: cells)
      var distanceRows = [[Float]](repeating: Array(repeating: 0, count: 32), count: cells)
      for object in objects where stride == 16 {
        let x = Double(place(object) % 20) * 16 + (plus ? 0 : 7.5)
        let y = Double(place(object) / 20) * 16 + (plus ? 0 : 7.5)
        scoreRows[place(object)] = scores(object, object.confidence)
        distanceRows[place(object)] = sides(object.box, x, y, 16).flatMap {
          distribution($0, bins: 8)
        }
      }
      return (stride, scoreRows, distanceRows)
    }
    guard !plus else {
      let joined = levels.flatMap { zip($0.1, $0.2).map { $0 + $1 } }
      return [("output", Tensor(joined.flatMap { $0 }, shape: [1, joined.count, 36]))]
    }
    return levels.map {
      ("cls\($0.0)", Tensor($0.1.flatMap { $0 }, shape: [1, $0.1.count, 4]))
    }
      + levels.map { ("dis\($0.0)", Tensor($0.2.flatMap { $0 }, shape: [1, $0.2.count, 32])) }
  }

  static func fastestDet() -> Outputs {
    let tensor = filled([1, 9, 20, 20], 0) { values in
      for object in objects {
        let c = centre(object.box)
        let (column, row) = (Int(c.x / 16), Int(c.y / 16))
        let fields =
          [
            Float(object.confidence), Float(atanh(c.x / 16 - Double(column))),
            Float(atanh(c.y / 16 - Double(row))), logit(object.box.width / size),
            logit(object.box.height / size),
          ] + scores(object, object.confidence)
        for (field, value) in fields.enumerated() {
          values[(field * 20 + row) * 20 + column] = value
        }
      }
    }
    return [("output", tensor)]
  }

  /// Every object with the second anchor of stride 16, 37.88 × 51.48.
  static func yoloFastestV2(raw: Bool) -> Outputs {
    func fields(_ object: Detection) -> (cell: Int, box: [Double], score: Double) {
      let c = centre(object.box)
      let (column, row) = (Int(c.x / 16), Int(c.y / 16))
      return (
        row * 20 + column,
        [
          (c.x / 16 - Double(column) + 0.5) / 2, (c.y / 16 - Double(row) + 0.5) / 2,
          (object.box.width / 37.88).squareRoot() / 2, (object.box.height / 51.48).squareRoot() / 2,
        ], object.confidence.squareRoot()
      )
    }
    guard raw else {
      return [20, 10].map { cells in
        let tensor = filled([1, cells, cells, 19], 0) { values in
          for object in objects where cells == 20 {
            let f = fields(object)
            for (index, value) in f.box.enumerated() {
              values[f.cell * 19 + 4 + index] = Float(value)
            }
            values[f.cell * 19 + 13] = Float(f.score)
            values[f.cell * 19 + 15 + object.classIndex] = Float(f.score)
          }
        }
        return ("map\(cells)", tensor)
      }
    }
    return [20, 10].flatMap { cells -> Outputs in
      let plane = cells * cells
      func tensor(_ channels: Int, _ set: (inout [Float], Detection) -> Void) -> Tensor {
        filled([1, channels, cells, cells], -20) { values in
          for object in objects where cells == 20 { set(&values, object) }
        }
      }
      return [
        (
          "reg\(cells)",
          tensor(12) { values, object in
            for (index, value) in fields(object).box.enumerated() {
              values[(4 + index) * plane + fields(object).cell] = logit(value)
            }
          }
        ),
        (
          "obj\(cells)",
          tensor(3) { values, object in
            values[plane + fields(object).cell] = logit(fields(object).score)
          }
        ),
        (
          "cls\(cells)",
          tensor(4) { values, object in
            // Softmax over one logit z and three zeros: p = e^z / (e^z + 3).
            let p = fields(object).score
            for label in 0..<4 { values[label * plane + fields(object).cell] = 0 }
            values[object.classIndex * plane + fields(object).cell] = Float(log(3 * p / (1 - p)))
          }
        ),
      ]
    }
  }
}
