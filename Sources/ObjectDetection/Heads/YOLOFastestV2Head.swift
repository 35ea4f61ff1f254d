import Foundation

extension HeadFamily {
  /// Yolo-FastestV2: anchor-based, with class scores shared by the anchors of a cell.
  ///
  /// Exported: one map `[N, H, W, A·4 + A + C]` for each stride, of boxes, objectness and classes
  /// after sigmoid and softmax. Raw: three maps `[N, A·4, H, W]`, `[N, A, H, W]`, `[N, C, H, W]`
  /// for each stride, before sigmoid and softmax. Then `xy = (2b − ½ + cell)·stride`,
  /// `wh = (2b)²·anchor`, and the confidence is `objectness · class`.
  static let yoloFastestV2 = HeadFamily(
    name: "yolo-fastestv2", summary: "anchors with shared classes (Yolo-FastestV2)",
    recognize: recognizeYOLOFastestV2, decode: decodeYOLOFastestV2)

  /// The anchors of the published COCO model at 352 × 352.
  private static let cocoAnchors: [[[Double]]] = [
    [[12.64, 19.39], [37.88, 51.48], [55.71, 138.31]],
    [[126.91, 78.23], [131.57, 214.55], [279.92, 258.87]],
  ]

  private static func recognizeYOLOFastestV2(_ evidence: HeadEvidence) -> HeadRecognition? {
    let shapes = evidence.outputs.map(\.shape)
    guard shapes.allSatisfy({ $0.count == 4 }) else { return nil }
    let classes: Int
    let strides: [Int]
    switch shapes.count {
    case 2:
      strides = shapes.compactMap { evidence.stride(rows: $0[1], columns: $0[2]) }
      classes = shapes[0][3] - 15
      guard shapes[1][3] == shapes[0][3] else { return nil }
    case 6:
      strides = [0, 3].compactMap { evidence.stride(rows: shapes[$0][2], columns: shapes[$0][3]) }
      classes = shapes[2][1]
      guard shapes.map({ $0[1] }) == [12, 3, classes, 12, 3, classes] else { return nil }
    default: return nil
    }
    guard strides == [16, 32], classes > 0 else { return nil }
    return HeadRecognition(
      configuration: HeadConfiguration(
        family: "yolo-fastestv2", classes: evidence.classNames(classes), strides: strides,
        anchors: cocoAnchors, isDecoded: shapes.count == 2, confidence: 0.001, iou: 0.45,
        maxDetections: 100, preprocessing: Preprocessing(fit: .stretch, order: .bgr)),
      reasons: [
        shapes.count == 2
          ? "two maps of strides \(strides) with 3 × (4 + 1) + \(classes) values a cell"
          : "six maps of strides \(strides) with 12, 3 and \(classes) channels, before sigmoid and "
            + "softmax",
        "the anchors are those of the COCO model; give others with anchors: in a file of head settings",
      ])
  }

  private static func decodeYOLOFastestV2(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let planes = try outputs.planes("yolo-fastestv2")
    let scales = configuration.strides.count
    let classes = configuration.classes.count
    let isJoined = planes.count == scales
    guard configuration.anchors.count == scales, isJoined || planes.count == 3 * scales else {
      throw HeadError.outputs(
        family: "yolo-fastestv2",
        reason: "\(planes.count) outputs and \(configuration.anchors.count) lists of anchors for "
          + "strides \(configuration.strides)")
    }
    var found: [Detection] = []
    for (scale, (stride, anchors)) in zip(configuration.strides, configuration.anchors).enumerated()
    {
      let maps = isJoined ? [planes[scale]] : Array(planes[scale * 3..<scale * 3 + 3])
      let columns = (outputs.width + stride - 1) / stride
      let cells = ((outputs.height + stride - 1) / stride) * columns
      let fields =
        isJoined ? [anchors.count * 5 + classes] : [anchors.count * 4, anchors.count, classes]
      guard maps.map(\.values.count) == fields.map({ $0 * cells }) else {
        throw HeadError.outputs(
          family: "yolo-fastestv2",
          reason:
            "maps of shapes \(maps.map(\.shape)) for stride \(stride), \(anchors.count) anchors "
            + "and \(classes) classes")
      }
      for cell in 0..<cells {
        let values =
          isJoined
          ? Array(maps[0].values[cell * fields[0]..<(cell + 1) * fields[0]])
          : activated(maps, cell: cell, cells: cells)
        found += decode(
          values, anchors: anchors, column: cell % columns, row: cell / columns, stride: stride,
          classes: classes, threshold: Float(configuration.confidence))
      }
    }
    return found
  }

  /// The boxes, objectness and classes of a cell from its logits.
  private static func activated(
    _ maps: [HeadOutputs.Plane], cell: Int, cells: Int
  ) -> [Float] {
    let logits = maps.map { map in
      stride(from: cell, to: map.values.count, by: cells).map { map.values[$0] }
    }
    let highest = logits[2].max() ?? 0
    let weights = logits[2].map { exp($0 - highest) }
    let total = weights.reduce(0, +)
    return logits[0].map(logistic) + logits[1].map(logistic) + weights.map { $0 / total }
  }

  private static func decode(
    _ values: [Float], anchors: [[Double]], column: Int, row: Int, stride: Int, classes: Int,
    threshold: Float
  ) -> [Detection] {
    var found: [Detection] = []
    for (index, anchor) in anchors.enumerated() {
      let objectness = values[anchors.count * 4 + index]
      guard objectness > threshold else { continue }
      let box = (0..<4).map { 2 * Double(values[index * 4 + $0]) }
      for label in 0..<classes {
        let confidence = objectness * values[anchors.count * 5 + label]
        guard confidence > threshold else { continue }
        found.append(
          Detection(
            box: Box(
              centreX: (box[0] - 0.5 + Double(column)) * Double(stride),
              y: (box[1] - 0.5 + Double(row)) * Double(stride),
              width: box[2] * box[2] * anchor[0], height: box[3] * box[3] * anchor[1]),
            classIndex: label, confidence: Double(confidence)))
      }
    }
    return found
  }
}
