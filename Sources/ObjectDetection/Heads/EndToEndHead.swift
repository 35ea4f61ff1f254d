import Foundation

extension HeadFamily {
  /// Detectors that contain non-maximum suppression, or need none: rows `[N, boxes, 6]` or
  /// `[boxes, 6]` of corners in network pixels, confidence and class.
  static let endToEnd = HeadFamily(
    name: "end-to-end", summary: "rows of corners, confidence, class after suppression inside",
    recognize: { evidence in
      guard evidence.outputs.count == 1, let (name, shape) = evidence.outputs.first,
        [2, 3].contains(shape.count), shape[shape.count - 1] == 6
      else { return nil }
      // With one box for each cell or anchor, this could also be a grid head with one class. It is
      // one unless the graph selects boxes.
      let rows = shape[shape.count - 2]
      let isGrid =
        evidence.strides(cells: rows) != nil || evidence.strides(cells: rows, anchors: 3) != nil
      let isSelected = evidence.isSelected(name)
      guard !isGrid || isSelected || rows <= 300 else { return nil }
      return HeadRecognition(
        configuration: HeadConfiguration(
          family: "end-to-end",
          classes: evidence.metadataNames ?? COCOClasses.names,
          confidence: 0.001, iou: 1, maxDetections: 300,
          preprocessing: Preprocessing(fit: .letterboxCentre)),
        reasons: [
          "the only output '\(name)' holds \(rows) rows of 6 numbers: suppressed boxes",
          isSelected
            ? "a TopK or NonMaxSuppression stands before it"
            : "\(isGrid ? "a grid of cells" : "no grid of cells") has as many",
          evidence.metadataNames == nil
            ? "the classes are taken to be COCO's; give others with classes: in a file of head settings"
            : "the class names are those of the metadata",
        ], countsClasses: false)
    },
    decode: { outputs, configuration in
      guard let plane = try outputs.planes("end-to-end").first, plane.shape.last == 6 else {
        throw HeadError.outputs(family: "end-to-end", reason: "expected rows of 6 numbers")
      }
      return try stride(from: 0, to: plane.values.count, by: 6).compactMap { at in
        let v = plane.values[at..<at + 6].map(Double.init)
        guard v[4] > configuration.confidence, v[5] >= 0 else { return nil }
        guard v[5] < Double(configuration.classes.count) else {
          throw HeadError.outputs(
            family: "end-to-end",
            reason: "a box is of class \(v[5]), but only \(configuration.classes.count) are named; "
              + "name all with classes: in a file of head settings")
        }
        return Detection(
          box: Box(left: v[0], top: v[1], right: v[2], bottom: v[3]), classIndex: Int(v[5]),
          confidence: v[4])
      }
    })
}
