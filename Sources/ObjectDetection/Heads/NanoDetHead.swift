import Foundation

extension HeadFamily {
  /// NanoDet: class scores `[N, cells, C]` and distance distributions `[N, cells, 4·(regMax + 1)]` a stride, apart or
  /// joined in one `[N, cells, C + 4·(regMax + 1)]`.
  ///
  /// A cell's centre is `cell·stride + (stride − 1) / 2`.
  static let nanoDet = HeadFamily(
    name: "nanodet", summary: "class scores and distance distributions by stride (NanoDet, GFL)",
    recognize: { evidence in
      let matrices = evidence.outputs.filter { [2, 3].contains($0.shape.count) }
        .map { (rows: $0.shape[$0.shape.count - 2], columns: $0.shape[$0.shape.count - 1]) }
      guard matrices.count == evidence.outputs.count, matrices.count >= 4,
        matrices.count % 2 == 0
      else { return nil }
      let distances = matrices.filter { $0.columns == 32 }
      let scores = matrices.filter { $0.columns != 32 }
      guard distances.count == scores.count, let classes = scores.first?.columns,
        scores.allSatisfy({ $0.columns == classes }),
        let strides = evidence.strides(cells: distances.reduce(0) { $0 + $1.rows }),
        strides.count == distances.count
      else { return nil }
      return HeadRecognition(
        configuration: HeadConfiguration(
          family: "nanodet", classes: evidence.classNames(classes), strides: strides, regMax: 7,
          isDecoded: false, confidence: 0.01, iou: 0.6, maxDetections: 100,
          preprocessing: Preprocessing(
            fit: .stretch, order: .bgr, mean: [103.53, 116.28, 123.675],
            std: [57.375, 57.12, 58.395])),
        reasons: [
          "\(strides.count) pairs of outputs with \(classes) scores and 4 × 8 distance bins a cell",
          "their rows are the cells of strides \(strides)",
        ])
    },
    decode: { outputs, configuration in
      let bins = configuration.regMax + 1
      let planes = try outputs.planes("nanodet").filter { $0.shape.count >= 2 }
      func rank(_ a: HeadOutputs.Plane, _ b: HeadOutputs.Plane) -> Bool { a.shape[0] > b.shape[0] }
      let distances = planes.filter { $0.shape[1] == 4 * bins }.sorted(by: rank)
      let scores = planes.filter { $0.shape[1] == configuration.classes.count }.sorted(by: rank)
      guard distances.count == configuration.strides.count, scores.count == distances.count else {
        throw HeadError.outputs(
          family: "nanodet",
          reason: "expected \(configuration.strides.count) outputs of \(4 * bins) columns and as "
            + "many of \(configuration.classes.count), found \(planes.map(\.shape))")
      }
      let threshold = Float(configuration.confidence)
      var found: [Detection] = []
      for (stride, (score, distance)) in zip(configuration.strides, zip(scores, distances)) {
        let columns = (outputs.width + stride - 1) / stride
        let classes = score.shape[1]
        guard score.shape[0] == distance.shape[0] else { continue }
        for cell in 0..<score.shape[0] {
          for label in 0..<classes where score.values[cell * classes + label] > threshold {
            let x = (Double(cell % columns) + 0.5) * Double(stride) - 0.5
            let y = (Double(cell / columns) + 0.5) * Double(stride) - 0.5
            let sides = (0..<4).map { side in
              DistanceDistribution.mean(bins) { distance.values[(cell * 4 + side) * bins + $0] }
                * Double(stride)
            }
            found.append(
              Detection(
                box: Box(
                  left: x - sides[0], top: y - sides[1], right: x + sides[2],
                  bottom: y + sides[3]), classIndex: label,
                confidence: Double(score.values[cell * classes + label])))
          }
        }
      }
      return found
    })
}
