import Foundation

extension HeadFamily {
  /// FastestDet: one map `[N, 5 + C, H, W]` of objectness, offset, size, classes.
  ///
  /// `xy = (cell + tanh offset) / cells`, `wh = σ(size)`, relative to the image; the confidence is
  /// `objectness^0.6 · class^0.4`.
  static let fastestDet = HeadFamily(
    name: "fastestdet", summary: "one map of objectness, offset, size, classes (FastestDet)",
    training: HeadTraining(
      layout: .objectness, loss: "fastestdet", endsAtMaps: false, classes: .softmax),
    recognize: { evidence in
      guard evidence.outputs.count == 1, let (name, shape) = evidence.outputs.first,
        shape.count == 4, shape[1] > 5,
        let stride = evidence.stride(rows: shape[2], columns: shape[3])
      else { return nil }
      return HeadRecognition(
        configuration: HeadConfiguration(
          family: "fastestdet", classes: evidence.classNames(shape[1] - 5), strides: [stride],
          isDecoded: false, confidence: 0.01, iou: 0.45, maxDetections: 100,
          preprocessing: Preprocessing(fit: .stretch, order: .bgr)),
        reasons: [
          "the only output '\(name)' is one map of stride \(stride) with 5 + \(shape[1] - 5) channels"
        ])
    },
    decode: { outputs, configuration in
      let planes = try outputs.planes("fastestdet")
      guard planes.count == 1, let plane = planes.first, plane.shape.count == 3,
        plane.shape[0] == configuration.classes.count + 5
      else {
        throw HeadError.outputs(
          family: "fastestdet",
          reason: "expected [N, 5 + \(configuration.classes.count), H, W], found "
            + "\(planes.map(\.shape))")
      }
      let (rows, columns) = (plane.shape[1], plane.shape[2])
      let cells = rows * columns
      var found: [Detection] = []
      for cell in 0..<cells {
        let objectness = pow(Double(plane.values[cell]), 0.6)
        guard objectness > configuration.confidence else { continue }
        func value(_ field: Int) -> Double { Double(plane.values[field * cells + cell]) }
        let box = Box(
          centreX: (Double(cell % columns) + tanh(value(1))) / Double(columns)
            * Double(outputs.width),
          y: (Double(cell / columns) + tanh(value(2))) / Double(rows) * Double(outputs.height),
          width: Double(outputs.width) / (1 + exp(-value(3))),
          height: Double(outputs.height) / (1 + exp(-value(4))))
        for label in configuration.classes.indices {
          let confidence = objectness * pow(value(5 + label), 0.4)
          if confidence > configuration.confidence {
            found.append(Detection(box: box, classIndex: label, confidence: confidence))
          }
        }
      }
      return found
    })
}
