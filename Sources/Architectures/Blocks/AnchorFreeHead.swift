import Foundation
import GraphIR
import ObjectDetection

extension NetworkBuilder {
  /// Two branches for each map: 4·16 bins of the distances to a box's sides, and the classes.
  ///
  /// The initial biases of the classes correspond to 5/C objects of each class in an image of 640
  /// pixels.
  mutating func yolov8Head(
    _ maps: [Feature], _ options: ArchitectureOptions
  ) throws -> Graph {
    let strides = [8, 16, 32]
    let classes = options.classes.count
    let bins = 16
    let boxes = max(16, maps[0].channels / 4, 4 * bins)
    let scores = max(maps[0].channels, min(classes, 100))
    var outputs: [(Feature, [Int])] = []
    for (map, stride) in zip(maps, strides) {
      let name = "head.stride\(stride)"
      var box = convolution(map, "\(name).box.0", to: boxes, kernel: 3, .silu)
      box = convolution(box, "\(name).box.1", to: boxes, kernel: 3, .silu)
      box = plainConvolution(
        box, "\(name).box.out", to: 4 * bins, biases: Array(repeating: 1, count: 4 * bins))
      var label = convolution(map, "\(name).class.0", to: scores, kernel: 3, .silu)
      label = convolution(label, "\(name).class.1", to: scores, kernel: 3, .silu)
      let cells = pow(640 / Double(stride), 2)
      let prior = Float(log(5 / Double(classes) / cells))
      label = plainConvolution(
        label, "\(name).class.out", to: classes,
        biases: Array(repeating: prior, count: classes), scale: 0.1)
      let side = options.imageSize / stride
      outputs.append(
        (
          concatenation([box, label], "stride\(stride)"),
          [4 * bins + classes, side, side]
        ))
    }
    return try finished(outputs).carrying(
      HeadConfiguration(
        family: "yolov8", classes: options.classes, strides: strides, regMax: bins - 1,
        isDecoded: false, confidence: 0.001, iou: 0.65, maxDetections: 300,
        preprocessing: Preprocessing(fit: .letterboxCentre)))
  }
}
