import Foundation

extension HeadFamily {
  /// YOLOv8 to YOLO12: anchor-free, without objectness.
  ///
  /// Decoded: `[N, 4 + C, cells]`, or transposed `[N, cells, 4 + C]`, of centre, size, class
  /// scores. Raw: one map `[N, 4·(regMax + 1) + C, H, W]` for each stride. The distance of each
  /// side from the cell's centre, in cells, is the mean of a distribution over bins.
  static let yolov8 = HeadFamily(
    name: "yolov8", summary: "anchor-free, distance distributions, no objectness (YOLOv8–v12)",
    training: HeadTraining(
      layout: .distributions(scoresFirst: false), loss: "yolov8",
      endsAtMaps: true),
    recognize: recognizeYOLOv8, decode: decodeYOLOv8)

  private static func recognizeYOLOv8(_ evidence: HeadEvidence) -> HeadRecognition? {
    let letterbox = Preprocessing(fit: .letterboxCentre)
    if let (name, shape, strides) = decodedYOLOv8(evidence) {
      return HeadRecognition(
        configuration: HeadConfiguration(
          family: "yolov8", classes: evidence.classNames(shape[1] - 4), strides: strides,
          isDecoded: true, confidence: 0.001, iou: 0.65, maxDetections: 300,
          preprocessing: letterbox),
        reasons: [
          "output '\(name)' has \(shape[2]) columns: one for each cell of strides \(strides)",
          "each column holds a box and \(shape[1] - 4) classes, no objectness",
        ])
    }
    let shapes = evidence.outputs.map(\.shape)
    guard shapes.count == 3, shapes.allSatisfy({ $0.count == 4 }), let channels = shapes.first?[1],
      channels > 64, shapes.allSatisfy({ $0[1] == channels })
    else { return nil }
    let strides = shapes.compactMap { evidence.stride(rows: $0[2], columns: $0[3]) }
    guard strides.sorted() == [8, 16, 32] else { return nil }
    return HeadRecognition(
      configuration: HeadConfiguration(
        family: "yolov8", classes: evidence.classNames(channels - 64), strides: strides,
        regMax: 15, isDecoded: false, confidence: 0.001, iou: 0.65, maxDetections: 300,
        preprocessing: letterbox),
      reasons: [
        "three maps of strides \(strides) with 4 × 16 + \(channels - 64) channels: raw YOLOv8"
      ])
  }

  /// The one output with decoded boxes, as `[N, 4 + C, cells]`.
  ///
  /// The transposed shape counts only where a Softmax indicates distance distributions, because
  /// YOLOX has the same shape with an objectness.
  private static func decodedYOLOv8(
    _ evidence: HeadEvidence
  ) -> (name: String, shape: [Int], strides: [Int])? {
    guard evidence.outputs.count == 1, let (name, shape) = evidence.outputs.first, shape.count == 3
    else { return nil }
    if shape[1] > 4, shape[2] > shape[1], let strides = evidence.strides(cells: shape[2]) {
      return (name, shape, strides)
    }
    guard shape[2] > 4, let strides = evidence.strides(cells: shape[1]),
      evidence.operators(before: name, depth: 12).contains("Softmax"), !evidence.isSelected(name)
    else { return nil }
    return (name, [shape[0], shape[2], shape[1]], strides)
  }

  private static func decodeYOLOv8(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let planes = try outputs.planes("yolov8")
    let classes = configuration.classes.count
    let threshold = Float(configuration.confidence)
    var found: [Detection] = []
    if configuration.isDecoded {
      guard planes.count == 1, let plane = planes.first, plane.shape.count == 2,
        let fieldAxis = plane.shape.firstIndex(of: classes + 4)
      else {
        throw HeadError.outputs(
          family: "yolov8",
          reason: "expected [N, 4 + \(classes), cells], found "
            + "\(planes.map(\.shape))")
      }
      let count = plane.shape[1 - fieldAxis]
      let (byField, byCell) = fieldAxis == 0 ? (count, 1) : (1, classes + 4)
      plane.values.withUnsafeBufferPointer { values in
        for label in 0..<classes {
          for cell in 0..<count where values[(4 + label) * byField + cell * byCell] > threshold {
            let box = (0..<4).map { Double(values[$0 * byField + cell * byCell]) }
            found.append(
              Detection(
                box: Box(centreX: box[0], y: box[1], width: box[2], height: box[3]),
                classIndex: label,
                confidence: Double(values[(4 + label) * byField + cell * byCell])))
          }
        }
      }
      return found
    }
    let bins = configuration.regMax + 1
    guard planes.count == configuration.strides.count else {
      throw HeadError.outputs(
        family: "yolov8",
        reason: "\(planes.count) maps for strides \(configuration.strides)")
    }
    for (plane, stride) in zip(planes, configuration.strides) {
      guard plane.shape.count == 3, plane.shape[0] == 4 * bins + classes else {
        throw HeadError.outputs(
          family: "yolov8",
          reason: "a map of shape \(plane.shape) for 4 × \(bins) bins and "
            + "\(classes) classes")
      }
      let (columns, cells) = (plane.shape[2], plane.shape[1] * plane.shape[2])
      for cell in 0..<cells {
        for label in 0..<classes {
          let score = logistic(plane.values[(4 * bins + label) * cells + cell])
          guard score > threshold else { continue }
          let sides = (0..<4).map { side in
            DistanceDistribution.mean(bins) { plane.values[(side * bins + $0) * cells + cell] }
              * Double(stride)
          }
          let x = (Double(cell % columns) + 0.5) * Double(stride)
          let y = (Double(cell / columns) + 0.5) * Double(stride)
          found.append(
            Detection(
              box: Box(
                left: x - sides[0], top: y - sides[1], right: x + sides[2], bottom: y + sides[3]),
              classIndex: label, confidence: Double(score)))
        }
      }
    }
    return found
  }
}

/// Distances written as distributions over equally spaced bins.
///
/// Reference: Li et al., *Generalized Focal Loss*, NeurIPS 2020, arXiv:2006.04388, §3.
enum DistanceDistribution {
  /// The mean bin under the softmax of the logits.
  static func mean(_ bins: Int, _ logit: (Int) -> Float) -> Double {
    let highest = (0..<bins).map(logit).max() ?? 0
    var (total, sum) = (0.0, 0.0)
    for bin in 0..<bins {
      let weight = exp(Double(logit(bin) - highest))
      total += weight
      sum += weight * Double(bin)
    }
    return sum / total
  }
}
