import Foundation

extension HeadFamily {
  /// NanoDet: class scores `[N, cells, C]` and distance distributions `[N, cells, 4·(regMax + 1)]`
  /// for each stride.
  ///
  /// NanoDet-Plus concatenates them for all strides in one `[N, cells, C + 4·(regMax + 1)]`.
  ///
  /// A cell's centre is `cell·stride + (stride − 1) / 2`; NanoDet-Plus takes `cell·stride`.
  static let nanoDet = HeadFamily(
    name: "nanodet", summary: "class scores and distance distributions by stride (NanoDet, GFL)",
    training: HeadTraining(
      layout: .distributions(scoresFirst: true), loss: "gfl", endsAtMaps: false),
    recognize: { evidence in
      evidence.outputs.count == 1 ? recognizeNanoDetPlus(evidence) : recognizeNanoDet(evidence)
    },
    decode: decodeNanoDet)

  private static let caffePixels = Preprocessing(
    fit: .stretch, order: .bgr, mean: [103.53, 116.28, 123.675], std: [57.375, 57.12, 58.395])

  private static func recognizeNanoDetPlus(_ evidence: HeadEvidence) -> HeadRecognition? {
    guard let (name, shape) = evidence.outputs.first, shape.count == 3, shape[2] > 32,
      let strides = evidence.strides(cells: shape[1]), strides == [8, 16, 32, 64]
    else { return nil }
    return HeadRecognition(
      configuration: HeadConfiguration(
        family: "nanodet", classes: evidence.classNames(shape[2] - 32), strides: strides,
        regMax: 7, isDecoded: false, confidence: 0.01, iou: 0.6, maxDetections: 100,
        preprocessing: caffePixels),
      reasons: [
        "output '\(name)' has \(shape[1]) rows: one for each cell of strides \(strides)",
        "each row holds \(shape[2] - 32) scores and 4 × 8 distance bins, as in NanoDet-Plus",
      ])
  }

  private static func recognizeNanoDet(_ evidence: HeadEvidence) -> HeadRecognition? {
    let matrices = evidence.outputs.filter { [2, 3].contains($0.shape.count) }
      .map { (rows: $0.shape[$0.shape.count - 2], columns: $0.shape[$0.shape.count - 1]) }
    guard matrices.count == evidence.outputs.count, matrices.count >= 4, matrices.count % 2 == 0
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
        preprocessing: caffePixels),
      reasons: [
        "\(strides.count) pairs of outputs with \(classes) scores and 4 × 8 distance bins a cell",
        "their rows are the cells of strides \(strides)",
      ])
  }

  /// The scores and distances of one stride: the row of each cell starts at `cell · step + first`.
  private struct Level {
    var values: [Float]
    var first: Int
    var step: Int
  }

  private static func decodeNanoDet(
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) throws -> [Detection] {
    let planes = try outputs.planes("nanodet")
    let bins = configuration.regMax + 1
    let classes = configuration.classes.count
    let cells = configuration.strides.map { outputs.grid([$0]).count }
    if planes.count == 1, planes[0].shape == [cells.reduce(0, +), classes + 4 * bins] {
      let step = classes + 4 * bins
      var start = 0
      return configuration.strides.enumerated().flatMap { index, stride in
        defer { start += cells[index] * step }
        return boxes(
          scores: Level(values: planes[0].values, first: start, step: step),
          distances: Level(values: planes[0].values, first: start + classes, step: step),
          stride: stride, cells: cells[index], centre: 0, outputs, configuration)
      }
    }
    // Where there are as many classes as bins, the scores are taken to come first, as NanoDet
    // exports them.
    let isEven = classes == 4 * bins
    let half = planes.count / 2
    func ranked(_ chosen: [HeadOutputs.Plane]) -> [HeadOutputs.Plane] {
      chosen.sorted { $0.shape[0] > $1.shape[0] }
    }
    let matrices = planes.filter { $0.shape.count == 2 }
    let distances = ranked(
      isEven ? Array(matrices.dropFirst(half)) : matrices.filter { $0.shape[1] == 4 * bins })
    let scores = ranked(
      isEven ? Array(matrices.prefix(half)) : matrices.filter { $0.shape[1] == classes })
    guard !cells.isEmpty, scores.map(\.shape) == cells.map({ [$0, classes] }),
      distances.map(\.shape) == cells.map({ [$0, 4 * bins] })
    else {
      throw HeadError.outputs(
        family: "nanodet",
        reason: "expected \(classes) scores and \(4 * bins) bins a cell of strides "
          + "\(configuration.strides), found \(planes.map(\.shape))")
    }
    return configuration.strides.enumerated().flatMap { index, stride in
      boxes(
        scores: Level(values: scores[index].values, first: 0, step: classes),
        distances: Level(values: distances[index].values, first: 0, step: 4 * bins),
        stride: stride, cells: cells[index], centre: Double(stride - 1) / 2, outputs,
        configuration)
    }
  }

  private static func boxes(
    scores: Level, distances: Level, stride: Int, cells: Int, centre: Double,
    _ outputs: HeadOutputs, _ configuration: HeadConfiguration
  ) -> [Detection] {
    let bins = configuration.regMax + 1
    let columns = (outputs.width + stride - 1) / stride
    let threshold = Float(configuration.confidence)
    var found: [Detection] = []
    for cell in 0..<cells {
      for label in configuration.classes.indices {
        let score = scores.values[scores.first + cell * scores.step + label]
        guard score > threshold else { continue }
        let x = Double(cell % columns * stride) + centre
        let y = Double(cell / columns * stride) + centre
        let sides = (0..<4).map { side in
          DistanceDistribution.mean(bins) {
            distances.values[distances.first + cell * distances.step + side * bins + $0]
          } * Double(stride)
        }
        found.append(
          Detection(
            box: Box(
              left: x - sides[0], top: y - sides[1], right: x + sides[2], bottom: y + sides[3]),
            classIndex: label, confidence: Double(score)))
      }
    }
    return found
  }
}
