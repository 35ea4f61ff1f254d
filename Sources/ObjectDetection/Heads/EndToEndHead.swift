extension HeadFamily {
  /// Detectors with suppression inside: rows `[N, boxes, 6]` or `[boxes, 6]` of corners in network pixels, confidence, class.
  static let endToEnd = HeadFamily(
    name: "end-to-end", summary: "rows of corners, confidence, class after suppression inside",
    recognize: { evidence in
      guard evidence.outputs.count == 1, let (name, shape) = evidence.outputs.first,
        [2, 3].contains(shape.count), shape[shape.count - 1] == 6,
        evidence.strides(cells: shape[shape.count - 2]) == nil
      else { return nil }
      return HeadRecognition(
        configuration: HeadConfiguration(
          family: "end-to-end", classes: evidence.classNames(COCOClasses.names.count),
          confidence: 0.001, iou: 1, maxDetections: 300,
          preprocessing: Preprocessing(fit: .letterboxCentre)),
        reasons: [
          "the only output '\(name)' holds \(shape[shape.count - 2]) rows of 6 numbers: suppressed boxes",
          "the classes are taken to be COCO's; give others with classes: in a --head file",
        ])
    },
    decode: { outputs, configuration in
      guard let plane = try outputs.planes("end-to-end").first, plane.shape.last == 6 else {
        throw HeadError.outputs(family: "end-to-end", reason: "expected rows of 6 numbers")
      }
      return stride(from: 0, to: plane.values.count, by: 6).compactMap { at in
        let v = plane.values[at..<at + 6].map(Double.init)
        guard v[4] > configuration.confidence, v[5] >= 0,
          v[5] < Double(configuration.classes.count)
        else { return nil }
        return Detection(
          box: Box(left: v[0], top: v[1], right: v[2], bottom: v[3]), classIndex: Int(v[5]),
          confidence: v[4])
      }
    })
}
