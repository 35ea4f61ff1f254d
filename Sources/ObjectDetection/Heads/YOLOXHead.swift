import Foundation

extension HeadFamily {
  /// YOLOX: anchor-free, objectness times class, `[N, cells, 5 + C]`.
  ///
  /// Raw rows hold the offset from the cell and the logarithm of the size, both in cells:
  /// `xy = (offset + cell)·stride`, `wh = e^size·stride`.
  static let yolox = HeadFamily(
    name: "yolox", summary: "anchor-free grid, objectness × class (YOLOX)",
    training: HeadTraining(
      layout: .objectness, loss: "yolox", endsAtMaps: false),
    recognize: recognizeYOLOX, decode: decodeYOLOX)

  private static func recognizeYOLOX(_ evidence: HeadEvidence) -> HeadRecognition? {
    guard evidence.outputs.count == 1, let (name, shape) = evidence.outputs.first,
      shape.count == 3, shape[2] > 5, let strides = evidence.strides(cells: shape[1]),
      !evidence.isSelected(name)
    else { return nil }
    let before = evidence.operators(before: name, depth: 12)
    // A Softmax indicates distance distributions, which YOLOX does not have.
    guard !before.contains("Softmax") else { return nil }
    let isDecoded = evidence.operators(before: name, depth: 6).contains("Exp")
    return HeadRecognition(
      configuration: HeadConfiguration(
        family: "yolox", classes: evidence.classNames(shape[2] - 5), strides: strides,
        isDecoded: isDecoded, confidence: 0.001, iou: 0.65, maxDetections: 100,
        preprocessing: Preprocessing(
          fit: .letterboxTopLeft, pad: 114, order: .bgr, mean: [0], std: [1])),
      reasons: [
        "output '\(name)' has \(shape[1]) rows: one for each cell of strides \(strides)",
        "each row holds a box, an objectness and \(shape[2] - 5) classes",
        isDecoded
          ? "an Exp before the output: boxes are decoded"
          : "no Exp before the output: boxes are relative to their cells",
      ])
  }

  private static func decodeYOLOX(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let fields = configuration.classes.count + 5
    let planes = try outputs.planes("yolox")
    guard planes.count == 1, let plane = planes.first, plane.shape.count == 2,
      plane.shape[1] == fields
    else {
      throw HeadError.outputs(
        family: "yolox",
        reason: "expected [N, cells, 5 + \(configuration.classes.count)], found "
          + "\(planes.map(\.shape))")
    }
    let grid = outputs.grid(configuration.strides)
    guard configuration.isDecoded || grid.count == plane.shape[0] else {
      throw HeadError.outputs(
        family: "yolox",
        reason: "\(plane.shape[0]) rows for \(grid.count) cells of strides "
          + "\(configuration.strides)")
    }
    let threshold = Float(configuration.confidence)
    var found: [Detection] = []
    plane.values.withUnsafeBufferPointer { values in
      for row in 0..<plane.shape[0] {
        let at = row * fields
        let objectness = values[at + 4]
        guard objectness > threshold else { continue }
        var (x, y) = (Double(values[at]), Double(values[at + 1]))
        var (w, h) = (Double(values[at + 2]), Double(values[at + 3]))
        if !configuration.isDecoded {
          let cell = grid[row]
          (x, y) = ((x + cell.column) * cell.stride, (y + cell.row) * cell.stride)
          (w, h) = (exp(w) * cell.stride, exp(h) * cell.stride)
        }
        for label in 0..<fields - 5 where objectness * values[at + 5 + label] > threshold {
          found.append(
            Detection(
              box: Box(centreX: x, y: y, width: w, height: h), classIndex: label,
              confidence: Double(objectness * values[at + 5 + label])))
        }
      }
    }
    return found
  }
}
