import Foundation

/// A head that is described by a layout, and recognised by itself where shapes and names allow.
struct KnownLayout: Sendable {
  /// What people call it.
  var name: String
  /// The configuration for a network, and the reasons; `nil` for other networks.
  var read: @Sendable (HeadEvidence) -> (configuration: HeadConfiguration, reason: String)?

  func recognize(_ evidence: HeadEvidence) -> HeadRecognition? {
    guard let found = read(evidence) else { return nil }
    return HeadRecognition(
      configuration: found.configuration,
      reasons: ["\(found.reason), as in \(name)"], countsClasses: false)
  }

  /// Every layout that is recognised.
  static let all: [KnownLayout] = [
    .scrfd, .yuNet, .retinaFace, .fastestV2Matrix, .transformer, .namedResults, .sevenColumns,
    .detectionOutput,
  ]
}

extension HeadEvidence {
  /// An output whose last axis has some extent, and its rows: the product of the other axes.
  fileprivate func tables(_ columns: Int) -> [(name: String, rows: Int, shape: [Int])] {
    outputs.filter { $0.shape.count >= 2 && $0.shape.last == columns }.map {
      ($0.name, $0.shape.dropLast().product, $0.shape)
    }
  }

  /// The axes of a table of places with or without a batch of one.
  fileprivate func axes(_ shape: [Int], _ places: String) -> [String] {
    shape.count == 3 ? ["batch", places, "fields"] : [places, "fields"]
  }

  /// The only output whose name contains one of the words.
  fileprivate func named(_ words: String...) -> (name: String, shape: [Int])? {
    let found = outputs.filter { output in
      words.contains { output.name.lowercased().contains($0) }
    }
    return found.count == 1 ? found[0] : nil
  }
}

extension KnownLayout {
  private static let facePixels = Preprocessing(
    fit: .letterboxTopLeft, pad: 0, order: .rgb, mean: [127.5], std: [128])

  /// Face detectors of InsightFace: scores, distances and key points of two anchors a cell.
  static let scrfd = KnownLayout(name: "SCRFD") { evidence in
    let strides = [8, 16, 32]
    var outputs: [HeadLayout.Output] = []
    for (level, stride) in strides.enumerated() {
      let rows = 2 * evidence.cells(stride)
      let scores = evidence.tables(1).filter { $0.rows == rows }
      let boxes = evidence.tables(4).filter { $0.rows == rows }
      guard scores.count == 1, boxes.count == 1 else { return nil }
      outputs += [(scores[0], "classes"), (boxes[0], "box")].map { table, field in
        HeadLayout.Output(
          table.name, level: level, axes: evidence.axes(table.shape, "cells*anchors"),
          fields: [field])
      }
    }
    let layout = HeadLayout(
      outputs: outputs,
      box: .init(
        ["left", "top", "right", "bottom"], coding: .distances, unit: .cells, point: 0),
      anchors: 2)
    return (
      HeadConfiguration(
        family: "described", classes: ["face"], strides: strides, confidence: 0.02, iou: 0.4,
        maxDetections: 750, preprocessing: facePixels, layout: layout),
      "each of the strides \(strides) has a score and a box for two anchors a cell"
    )
  }

  /// OpenCV's face detector: class, objectness, box and key points of each cell.
  static let yuNet = KnownLayout(name: "YuNet") { evidence in
    let strides = [8, 16, 32]
    var outputs: [HeadLayout.Output] = []
    for (level, stride) in strides.enumerated() {
      for (word, columns, field) in [
        ("cls", 1, "classes"), ("obj", 1, "objectness"), ("bbox", 4, "box"),
      ] {
        let found = evidence.tables(columns).filter {
          $0.rows == evidence.cells(stride) && $0.name.lowercased().contains(word)
        }
        guard found.count == 1 else { return nil }
        outputs.append(
          HeadLayout.Output(
            found[0].name, level: level, axes: evidence.axes(found[0].shape, "cells"),
            fields: [field]))
      }
    }
    let layout = HeadLayout(
      outputs: outputs, box: .init(["cx", "cy", "w", "h"], coding: .grid),
      score: ["objectness": 0.5, "classes": 0.5])
    return (
      HeadConfiguration(
        family: "described", classes: ["face"], strides: strides, confidence: 0.02, iou: 0.3,
        maxDetections: 750,
        preprocessing: Preprocessing(fit: .stretch, order: .bgr, mean: [0], std: [1]),
        layout: layout),
      "outputs named cls, obj and bbox hold the cells of the strides \(strides)"
    )
  }

  /// RetinaFace: offsets from priors, background and face, key points.
  static let retinaFace = KnownLayout(name: "RetinaFace") { evidence in
    let strides = [8, 16, 32]
    let rows = strides.reduce(0) { $0 + 2 * evidence.cells($1) }
    let tables = [4, 2, 10].map { columns in
      evidence.tables(columns).filter { $0.rows == rows }
    }
    guard evidence.outputs.count == 3, tables.allSatisfy({ $0.count == 1 }) else { return nil }
    let (boxes, scores) = (tables[0][0], tables[1][0])
    let isSoftmax = evidence.operators(before: scores.name, depth: 1).contains("Softmax")
    let layout = HeadLayout(
      outputs: [(boxes, "box"), (scores, "classes")].map { table, field in
        HeadLayout.Output(
          table.name, axes: evidence.axes(table.shape, "levels*cells*anchors"), fields: [field])
      }, box: .init(["cx", "cy", "w", "h"], coding: .priors),
      activation: isSoftmax ? [:] : ["classes": .softmax], background: .first)
    return (
      HeadConfiguration(
        family: "described", classes: ["face"], strides: strides,
        anchors: [[[16, 16], [32, 32]], [[64, 64], [128, 128]], [[256, 256], [512, 512]]],
        confidence: 0.02, iou: 0.4, maxDetections: 750,
        preprocessing: Preprocessing(
          fit: .letterboxTopLeft, pad: 0, order: .bgr, mean: [104, 117, 123], std: [1]),
        layout: layout),
      "4, 2 and 10 numbers for two priors in the cells of the strides \(strides)"
    )
  }

  /// Yolo-FastestV2 with its two maps in one matrix without a batch.
  static let fastestV2Matrix = KnownLayout(name: "Yolo-FastestV2") { evidence in
    guard evidence.outputs.count == 1, let output = evidence.outputs.first,
      output.shape.count == 2, output.shape[1] > 15,
      output.shape[0] == evidence.cells(16) + evidence.cells(32)
    else { return nil }
    let classes = output.shape[1] - 15
    let layout = HeadLayout(
      outputs: [
        .init(
          output.name, axes: ["levels*cells", "fields"],
          fields: ["each box", "each objectness", "classes"])
      ], box: .init(["cx", "cy", "w", "h"], coding: .squares))
    return (
      HeadConfiguration(
        family: "described", classes: evidence.classNames(classes), strides: [16, 32],
        anchors: [
          [[12.64, 19.39], [37.88, 51.48], [55.71, 138.31]],
          [[126.91, 78.23], [131.57, 214.55], [279.92, 258.87]],
        ], confidence: 0.001, iou: 0.45, maxDetections: 100,
        preprocessing: Preprocessing(fit: .stretch, order: .bgr), layout: layout),
      "the matrix '\(output.name)' has the cells of the strides 16 and 32, and 3 × 4 + 3 + "
        + "\(classes) columns"
    )
  }

  /// DETR and its kind: logits and boxes of queries, by name.
  static let transformer = KnownLayout(name: "DETR") { evidence in
    guard evidence.outputs.count == 2, let logits = evidence.named("logits"),
      let boxes = evidence.named("box"), logits.name != boxes.name, boxes.shape.last == 4,
      [2, 3].contains(boxes.shape.count), logits.shape.count == boxes.shape.count,
      logits.shape.dropLast() == boxes.shape.dropLast(), let width = logits.shape.last, width > 0
    else { return nil }
    // DETR itself has COCO's 91 identifiers and, last, no object. Deformable ones use sigmoids.
    let named = evidence.metadataNames?.count
    let isSoftmax = width == 92 || named == width - 1
    let classes = isSoftmax ? width - 1 : width
    let layout = HeadLayout(
      outputs: [
        .init(logits.name, axes: evidence.axes(logits.shape, "boxes"), fields: ["classes"]),
        .init(boxes.name, axes: evidence.axes(boxes.shape, "boxes"), fields: ["box"]),
      ], box: .init(["cx", "cy", "w", "h"], unit: .image),
      activation: ["classes": isSoftmax ? .softmax : .sigmoid],
      background: isSoftmax ? .last : .none)
    return (
      HeadConfiguration(
        family: "described", classes: evidence.classNames(classes), confidence: 0.001, iou: 1,
        maxDetections: 300,
        preprocessing: Preprocessing(
          fit: .stretch, order: .rgb, mean: [123.675, 116.28, 103.53],
          std: [58.395, 57.12, 57.375]), layout: layout),
      "outputs '\(logits.name)' and '\(boxes.name)' hold scores and boxes of "
        + "\(boxes.shape.dropLast().last ?? 0) queries"
    )
  }

  /// Boxes, scores and classes in outputs of these names, after suppression.
  static let namedResults = KnownLayout(name: "EfficientNMS and TensorFlow") { evidence in
    guard let boxes = evidence.named("boxes"), let scores = evidence.named("scores"),
      let classes = evidence.named("classes", "labels"), boxes.shape.last == 4,
      [2, 3].contains(boxes.shape.count), scores.shape == Array(boxes.shape.dropLast()),
      classes.shape == scores.shape
    else { return nil }
    // TensorFlow writes y before x, in parts of the image, and counts classes from 1.
    let isTensorFlow = boxes.name.lowercased().contains("detection_boxes")
    let axes = boxes.shape.count == 3 ? ["batch", "boxes"] : ["boxes"]
    let layout = HeadLayout(
      outputs: [
        .init(boxes.name, axes: axes + ["fields"], fields: ["box"]),
        .init(scores.name, axes: axes, fields: ["confidence"]),
        .init(classes.name, axes: axes, fields: ["class"]),
      ],
      box: .init(
        isTensorFlow ? ["y1", "x1", "y2", "x2"] : ["x1", "y1", "x2", "y2"],
        unit: isTensorFlow ? .image : .pixels),
      background: isTensorFlow ? .first : .none)
    return (
      HeadConfiguration(
        family: "described", classes: evidence.metadataNames ?? COCOClasses.names,
        confidence: 0.001, iou: 1, maxDetections: 300,
        preprocessing: Preprocessing(fit: isTensorFlow ? .stretch : .letterboxCentre),
        layout: layout),
      "outputs named boxes, scores and classes hold \(scores.shape.last ?? 0) results"
    )
  }

  /// Rows of image, corners, class and confidence after suppression, as YOLOv7 exports them.
  static let sevenColumns = KnownLayout(name: "YOLOv7's end-to-end export") { evidence in
    guard evidence.outputs.count == 1, let output = evidence.outputs.first,
      output.shape.count == 2, output.shape[1] == 7, evidence.isSelected(output.name)
    else { return nil }
    let layout = HeadLayout(
      outputs: [
        .init(
          output.name, axes: ["boxes", "fields"], fields: ["image", "box", "class", "confidence"])
      ], box: .init(["x1", "y1", "x2", "y2"]))
    return (
      HeadConfiguration(
        family: "described", classes: evidence.metadataNames ?? COCOClasses.names,
        confidence: 0.001, iou: 1, maxDetections: 300,
        preprocessing: Preprocessing(fit: .letterboxCentre), layout: layout),
      "rows of 7 numbers after a suppression in the graph: image, corners, class, confidence"
    )
  }

  /// `[1, 1, boxes, 7]` of image, class, confidence and corners, as OpenVINO and Caffe write them.
  static let detectionOutput = KnownLayout(name: "DetectionOutput") { evidence in
    guard evidence.outputs.count == 1, let output = evidence.outputs.first,
      output.shape.count == 4, output.shape[0] == 1, output.shape[1] == 1, output.shape[3] == 7
    else { return nil }
    let layout = HeadLayout(
      outputs: [
        .init(
          output.name, axes: ["one", "one", "boxes", "fields"],
          fields: ["image", "class", "confidence", "box"])
      ], box: .init(["x1", "y1", "x2", "y2"], unit: .image), background: .first)
    return (
      HeadConfiguration(
        family: "described", classes: evidence.metadataNames ?? COCOClasses.names,
        confidence: 0.001, iou: 1, maxDetections: 200,
        preprocessing: Preprocessing(fit: .stretch, order: .bgr, mean: [0], std: [1]),
        layout: layout),
      "output '\(output.name)' of [1, 1, boxes, 7]"
    )
  }
}
