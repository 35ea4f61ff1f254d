import Foundation

extension HeadFamily {
  /// SSD: scores `[N, priors, C]` with a background class first, boxes `[N, priors, 4]`.
  ///
  /// Decoded boxes are corners relative to the image. Raw boxes are offsets from priors:
  /// `xy = prior.xy + v₀·offset·prior.wh`, `wh = prior.wh·e^(v₁·size)` with the `variances` v.
  /// `anchors` holds the sizes of the priors of each stride, in input pixels.
  static let ssd = HeadFamily(
    name: "ssd", summary: "class scores with background, boxes by priors (SSD, UltraFace)",
    training: HeadTraining(
      layout: .priors, loss: "ssd", endsAtMaps: true, classes: .softmax),
    recognize: recognizeSSD, decode: decodeSSD)

  /// UltraFace's priors: sizes in pixels at strides 8, 16, 32, 64.
  private static let facePriors: [[[Double]]] = [
    [[10, 10], [16, 16], [24, 24]], [[32, 32], [48, 48]], [[64, 64], [96, 96]],
    [[128, 128], [192, 192], [256, 256]],
  ]

  private static func recognizeSSD(_ evidence: HeadEvidence) -> HeadRecognition? {
    guard evidence.outputs.count == 2,
      evidence.outputs.allSatisfy({ $0.shape.count == 3 }),
      let boxes = evidence.outputs.last(where: { $0.shape[2] == 4 }),
      let scores = evidence.outputs.first(where: { $0.name != boxes.name }),
      scores.shape[1] == boxes.shape[1], scores.shape[2] >= 2
    else { return nil }
    let isDecoded = evidence.operators(before: boxes.name, depth: 12).contains("Exp")
    let classes = scores.shape[2] - 1
    let strides = [8, 16, 32, 64]
    let priors = zip(strides, facePriors).reduce(0) { $0 + evidence.cells($1.0) * $1.1.count }
    let isFace = classes == 1 && priors == boxes.shape[1]
    guard isDecoded || isFace else { return nil }
    return HeadRecognition(
      configuration: HeadConfiguration(
        family: "ssd", classes: isFace ? ["face"] : evidence.classNames(classes),
        strides: isFace ? strides : [], anchors: isFace ? facePriors : [], isDecoded: isDecoded,
        confidence: 0.01, iou: 0.5, maxDetections: 200,
        preprocessing: Preprocessing(
          fit: .stretch, order: .rgb, mean: isFace ? [127] : [127.5],
          std: isFace ? [128] : [127.5])),
      reasons: [
        "outputs '\(scores.name)' and '\(boxes.name)' hold \(scores.shape[2]) scores and a box for "
          + "each of \(boxes.shape[1]) priors",
        isDecoded
          ? "an Exp before the boxes: they are decoded"
          : "no Exp before the boxes, and UltraFace's priors are as many",
      ])
  }

  private static func decodeSSD(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let planes = try outputs.planes("ssd")
    let classes = configuration.classes.count + 1
    guard planes.count == 2,
      let boxes = planes.last(where: { $0.shape.count == 2 && $0.shape[1] == 4 }),
      let scores = planes.first(where: { $0.shape.count == 2 && $0.shape[1] == classes }),
      scores.shape[0] == boxes.shape[0]
    else {
      throw HeadError.outputs(
        family: "ssd",
        reason: "expected [N, priors, \(classes)] and [N, priors, 4], found "
          + "\(planes.map(\.shape))")
    }
    let priors =
      configuration.isDecoded
      ? [] : configuration.priors(height: outputs.height, width: outputs.width)
    guard configuration.isDecoded || priors.count == boxes.shape[0] else {
      throw HeadError.outputs(
        family: "ssd", reason: "\(boxes.shape[0]) boxes for \(priors.count) priors")
    }
    let (width, height) = (Double(outputs.width), Double(outputs.height))
    let (centre, extent) = (configuration.variances[0], configuration.variances[1])
    var found: [Detection] = []
    for index in 0..<boxes.shape[0] {
      func value(_ field: Int) -> Double { Double(boxes.values[index * 4 + field]) }
      for label in 1..<classes
      where Double(scores.values[index * classes + label]) > configuration.confidence {
        let box: Box
        if configuration.isDecoded {
          box = Box(
            left: value(0) * width, top: value(1) * height, right: value(2) * width,
            bottom: value(3) * height)
        } else {
          let prior = priors[index]
          box = Box(
            centreX: (prior.left + prior.right) / 2 + centre * value(0) * prior.width,
            y: (prior.top + prior.bottom) / 2 + centre * value(1) * prior.height,
            width: prior.width * exp(extent * value(2)),
            height: prior.height * exp(extent * value(3)))
        }
        found.append(
          Detection(
            box: box, classIndex: label - 1,
            confidence: Double(scores.values[index * classes + label])))
      }
    }
    return found
  }
}

extension HeadConfiguration {
  /// The priors of an SSD head in network pixels: stride by stride, then cell by cell, then size by
  /// size.
  public func priors(height: Int, width: Int) -> [Box] {
    zip(strides, anchors).flatMap { stride, sizes in
      // The grid covers the whole image, also where the stride does not divide it.
      let (rows, columns) = ((height + stride - 1) / stride, (width + stride - 1) / stride)
      return (0..<rows * columns).flatMap { cell in
        sizes.map { size in
          Box(
            centreX: (Double(cell % columns) + 0.5) / Double(columns) * Double(width),
            y: (Double(cell / columns) + 0.5) / Double(rows) * Double(height), width: size[0],
            height: size[1])
        }
      }
    }
  }
}
