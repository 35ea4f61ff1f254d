import Foundation

extension HeadFamily {
  /// YOLOv3 to YOLOv7 and YOLO-Fastest: anchors, objectness times class.
  ///
  /// Decoded: `[N, A·cells, 5 + C]` of centre, size, objectness, classes. Raw: one map `[N, A·(5 + C), H, W]` or
  /// `[N, A, H, W, 5 + C]` a stride, where `xy = (2σ − ½ + cell)·stride` and `wh = (2σ)²·anchor`.
  static let yolov5 = HeadFamily(
    name: "yolov5", summary: "anchors, objectness × class (YOLOv3–v7, YOLO-Fastest)",
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
    guard shape[2] > 5, let strides = evidence.strides(cells: shape[1], anchors: 3) else {
      return nil
    }
    // Two scales are the darknet line of small networks, which stretch their input; three scales letterbox it.
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
      let rows = shape[2]
      guard rows > 0, evidence.height % rows == 0 else { return nil }
      strides.append(evidence.height / rows)
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
        "the anchors are YOLOv5's defaults; give others with anchors: in a --head file",
      ])
  }

  private static func decodeYOLOv5(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let planes = try outputs.planes("yolov5")
    let classes = configuration.classes.count
    let fields = classes + 5
    let threshold = Float(configuration.confidence)
    var found: [Detection] = []
    func add(_ objectness: Float, _ box: @autoclosure () -> Box, _ score: (Int) -> Float) {
      guard objectness > threshold else { return }
      for label in 0..<classes where objectness * score(label) > threshold {
        found.append(
          Detection(
            box: box(), classIndex: label, confidence: Double(objectness * score(label))))
      }
    }
    if configuration.isDecoded {
      guard let plane = planes.first, plane.shape.count == 2, plane.shape[1] == fields else {
        throw HeadError.outputs(
          family: "yolov5",
          reason: "expected [N, boxes, 5 + \(classes)], found "
            + "\(planes.map(\.shape))")
      }
      plane.values.withUnsafeBufferPointer { values in
        for row in 0..<plane.shape[0] {
          let at = row * fields
          add(
            values[at + 4],
            Box(
              centreX: Double(values[at]), y: Double(values[at + 1]),
              width: Double(values[at + 2]), height: Double(values[at + 3]))
          ) { values[at + 5 + $0] }
        }
      }
      return found
    }
    for (plane, (stride, anchors)) in zip(
      planes, zip(configuration.strides, configuration.anchors))
    {
      let isSplit = plane.shape.count == 4
      let (rows, columns) =
        isSplit
        ? (plane.shape[1], plane.shape[2]) : (plane.shape[1], plane.shape[plane.shape.count - 1])
      guard plane.values.count == anchors.count * rows * columns * fields else {
        throw HeadError.outputs(
          family: "yolov5",
          reason: "a map of shape \(plane.shape) for \(anchors.count) anchors "
            + "and \(classes) classes")
      }
      let cells = rows * columns
      for (index, anchor) in anchors.enumerated() {
        for cell in 0..<cells {
          func value(_ field: Int) -> Float {
            logistic(
              isSplit
                ? plane.values[(index * cells + cell) * fields + field]
                : plane.values[(index * fields + field) * cells + cell])
          }
          add(
            value(4),
            Box(
              centreX: (2 * Double(value(0)) - 0.5 + Double(cell % columns)) * Double(stride),
              y: (2 * Double(value(1)) - 0.5 + Double(cell / columns)) * Double(stride),
              width: pow(2 * Double(value(2)), 2) * anchor[0],
              height: pow(2 * Double(value(3)), 2) * anchor[1])
          ) { value(5 + $0) }
        }
      }
    }
    return found
  }
}
