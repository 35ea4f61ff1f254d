import Foundation

extension HeadFamily {
  /// YOLOv5, YOLOv7 and, decoded, YOLOv3 and YOLO-Fastest: anchors, objectness times class.
  ///
  /// Decoded: `[N, A·cells, 5 + C]` of centre, size, objectness, classes. Raw: one map
  /// `[N, A·(5 + C), H, W]` or `[N, A, H, W, 5 + C]` for each stride, where
  /// `xy = (2σ − ½ + cell)·stride` and `wh = (2σ)²·anchor`.
  static let yolov5 = HeadFamily(
    name: "yolov5", summary: "anchors, objectness × class (YOLOv5, YOLOv7, YOLO-Fastest)",
    training: HeadTraining(
      layout: .anchors, loss: "yolov5", endsAtMaps: true),
    recognize: recognizeYOLOv5, decode: decodeYOLOv5)

  private static let defaultAnchors: [[[Double]]] = [
    [[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]],
    [[116, 90], [156, 198], [373, 326]],
  ]

  private static func recognizeYOLOv5(_ evidence: HeadEvidence) -> HeadRecognition? {
    evidence.outputs.count == 1 && evidence.outputs[0].shape.count == 3
      ? recognizeDecoded(evidence) : recognizeRaw(evidence)
  }

  private static func recognizeDecoded(_ evidence: HeadEvidence) -> HeadRecognition? {
    let (name, shape) = evidence.outputs[0]
    guard shape[2] > 5, let strides = evidence.strides(cells: shape[1], anchors: 3),
      !evidence.isSelected(name)
    else { return nil }
    // Heads with two scales belong to the small networks of Darknet, which stretch their input.
    // Heads with three scales letterbox it.
    let isDarknet = strides.count == 2
    return HeadRecognition(
      configuration: HeadConfiguration(
        family: "yolov5", classes: evidence.classNames(shape[2] - 5), strides: strides,
        isDecoded: true, confidence: 0.001, iou: isDarknet ? 0.45 : 0.6, maxDetections: 100,
        preprocessing: Preprocessing(fit: isDarknet ? .stretch : .letterboxCentre)),
      reasons: [
        "output '\(name)' has \(shape[1]) rows: 3 anchors in the cells of strides \(strides)",
        "each row holds a box, an objectness and \(shape[2] - 5) classes",
        isDarknet
          ? "two scales, as in YOLO-Fastest: the image is stretched"
          : "three scales, as in YOLOv5: the image is letterboxed",
      ])
  }

  private static func recognizeRaw(_ evidence: HeadEvidence) -> HeadRecognition? {
    guard evidence.outputs.count == 3 else { return nil }
    var strides: [Int] = []
    var fields: Set<Int> = []
    for (_, shape) in evidence.outputs {
      guard shape.count >= 4 else { return nil }
      let isSplit = shape.count == 5 && shape[1] == 3
      guard isSplit || shape.count == 4 && shape[1] % 3 == 0 else { return nil }
      guard let stride = evidence.stride(rows: shape[2], columns: shape[3]) else { return nil }
      strides.append(stride)
      fields.insert(isSplit ? shape[4] : shape[1] / 3)
    }
    guard fields.count == 1, let count = fields.first, count > 5, strides.sorted() == [8, 16, 32]
    else { return nil }
    return HeadRecognition(
      configuration: HeadConfiguration(
        family: "yolov5", classes: evidence.classNames(count - 5), strides: strides,
        anchors: strides.map { defaultAnchors[$0 == 8 ? 0 : $0 == 16 ? 1 : 2] },
        isDecoded: false, confidence: 0.001, iou: 0.6, maxDetections: 100,
        preprocessing: Preprocessing(fit: .letterboxCentre)),
      reasons: [
        "three maps of strides \(strides) with 3 × (5 + \(count - 5)) channels: raw YOLOv5",
        "the anchors are YOLOv5's defaults; give others with anchors: in a file of head settings",
      ])
  }

  private static func decodeYOLOv5(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let planes = try outputs.planes("yolov5")
    guard configuration.isDecoded else { return try decodeRaw(planes, configuration) }
    let classes = configuration.classes.count
    let fields = classes + 5
    guard planes.count == 1, let plane = planes.first, plane.shape.count == 2,
      plane.shape[1] == fields
    else {
      throw HeadError.outputs(
        family: "yolov5",
        reason: "expected [N, boxes, 5 + \(classes)], found \(planes.map(\.shape))")
    }
    let threshold = Float(configuration.confidence)
    var found: [Detection] = []
    plane.values.withUnsafeBufferPointer { values in
      for at in stride(from: 0, to: values.count, by: fields) {
        let objectness = values[at + 4]
        guard objectness > threshold else { continue }
        for label in 0..<classes where objectness * values[at + 5 + label] > threshold {
          found.append(
            Detection(
              box: Box(
                centreX: Double(values[at]), y: Double(values[at + 1]),
                width: Double(values[at + 2]), height: Double(values[at + 3])), classIndex: label,
              confidence: Double(objectness * values[at + 5 + label])))
        }
      }
    }
    return found
  }

  private static func decodeRaw(
    _ planes: [HeadOutputs.Plane], _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let fields = configuration.classes.count + 5
    guard planes.count == configuration.strides.count,
      planes.count == configuration.anchors.count
    else {
      throw HeadError.outputs(
        family: "yolov5",
        reason: "\(planes.count) maps for strides \(configuration.strides) and "
          + "\(configuration.anchors.count) lists of anchors")
    }
    var found: [Detection] = []
    for (plane, (stride, anchors)) in zip(
      planes, zip(configuration.strides, configuration.anchors))
    {
      let isSplit = plane.shape.count == 4
      guard plane.shape.count >= 3,
        plane.values.count == anchors.count * fields * plane.shape[1] * plane.shape[2]
      else {
        throw HeadError.outputs(
          family: "yolov5",
          reason: "a map of shape \(plane.shape) for \(anchors.count) anchors "
            + "and \(fields - 5) classes")
      }
      let (columns, cells) = (plane.shape[2], plane.shape[1] * plane.shape[2])
      for (index, anchor) in anchors.enumerated() {
        for cell in 0..<cells {
          let first = isSplit ? (index * cells + cell) * fields : index * fields * cells + cell
          found += decode(
            plane.values, from: first, by: isSplit ? 1 : cells, fields: fields, anchor: anchor,
            column: cell % columns, row: cell / columns, stride: Double(stride),
            threshold: Float(configuration.confidence))
        }
      }
    }
    return found
  }

  /// The boxes of one anchor in one cell from its logits.
  private static func decode(
    _ logits: [Float], from first: Int, by step: Int, fields: Int, anchor: [Double], column: Int,
    row: Int, stride: Double, threshold: Float
  ) -> [Detection] {
    let objectness = logistic(logits[first + 4 * step])
    guard objectness > threshold else { return [] }
    let box = (0..<4).map { 2 * Double(logistic(logits[first + $0 * step])) }
    return (0..<fields - 5).compactMap { label in
      let confidence = objectness * logistic(logits[first + (5 + label) * step])
      guard confidence > threshold else { return nil }
      return Detection(
        box: Box(
          centreX: (box[0] - 0.5 + Double(column)) * stride,
          y: (box[1] - 0.5 + Double(row)) * stride, width: box[2] * box[2] * anchor[0],
          height: box[3] * box[3] * anchor[1]), classIndex: label,
        confidence: Double(confidence))
    }
  }
}
