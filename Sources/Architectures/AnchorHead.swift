import Foundation
import GraphIR
import ObjectDetection

extension NetworkBuilder {
  /// YOLOv5's head: a 1×1 convolution for each map, `[N, 3·(5 + C), H, W]` at strides 8, 16 and 32.
  ///
  /// Anchors are YOLOv5's for COCO, scaled with the input. The initial biases correspond to eight
  /// objects in an image of 640 pixels, and to a probability of 0.6 / (C − 1) for each class.
  mutating func anchorHead(_ maps: [Feature], _ options: ArchitectureOptions) throws -> Graph {
    let strides = [8, 16, 32]
    let fields = options.classes.count + 5
    let classes = Double(options.classes.count)
    var outputs: [(Feature, [Int])] = []
    for (map, stride) in zip(maps, strides) {
      let cells = pow(640 / Double(stride), 2)
      var biases = [Float](repeating: 0, count: fields)
      biases[4] = Float(log(8 / cells))
      for label in 5..<fields { biases[label] = Float(log(0.6 / max(classes - 0.99999, 1))) }
      let output = plainConvolution(
        map, "head.stride\(stride)", to: 3 * fields, biases: biases + biases + biases, scale: 0.1)
      let side = options.imageSize / stride
      outputs.append((output, [3 * fields, side, side]))
    }
    let factor = Double(options.imageSize) / 640
    return try finished(outputs).carrying(
      HeadConfiguration(
        family: "yolov5", classes: options.classes, strides: strides,
        anchors: Self.anchors.map { $0.map { $0.map { ($0 * factor * 100).rounded() / 100 } } },
        isDecoded: false, confidence: 0.001, iou: 0.6, maxDetections: 100,
        preprocessing: Preprocessing(fit: .letterboxCentre)))
  }

  /// Widths and heights at 640 pixels.
  private static let anchors: [[[Double]]] = [
    [[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]],
    [[116, 90], [156, 198], [373, 326]],
  ]
}
