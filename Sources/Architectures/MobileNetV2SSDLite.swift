import Foundation
import GraphIR
import ObjectDetection
import Tensors

extension Architecture {
  /// MobileNetV2 with SSDLite: separable predictors on five scales, softmax scores with a
  /// background, offsets from priors.
  ///
  /// Outputs: `scores` `[N, priors, C + 1]`, background first, and `boxes` `[N, priors, 4]` of
  /// offsets that the configuration's priors and variances decode.
  ///
  /// Reference: Sandler et al., *MobileNetV2*, CVPR 2018, arXiv:1801.04381, §6.2; Liu et al.,
  /// *SSD*, ECCV 2016. Deviates in the scales: strides 8 to 128, for small objects, where the paper
  /// has six. Deviates in four priors for each cell.
  public static let mobileNetV2SSDLite = Architecture(
    name: "mobilenetv2-ssdlite", summary: "MobileNetV2 backbone, SSD with separable predictors",
    citation: "Sandler et al., CVPR 2018, arXiv:1801.04381; Liu et al., ECCV 2016",
    build: buildMobileNetV2SSDLite)

  private static func buildMobileNetV2SSDLite(_ options: ArchitectureOptions) throws -> Graph {
    try options.check()
    var net = NetworkBuilder(
      name: "mobilenetv2-ssdlite", imageSize: options.imageSize, seed: options.seed)
    var x = net.convolution(
      net.input, "backbone.stem", to: options.channels(32), kernel: 3, stride: 2, .relu6)
    // Expansion, channels, repetitions and stride of each stage: the paper's table 2.
    let stages: [(Int, Double, Double, Int)] = [
      (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
      (6, 320, 1, 1),
    ]
    var levels: [Feature] = []
    for (stage, (expansion, channels, count, stride)) in stages.enumerated() {
      for index in 0..<options.repetitions(count) {
        x = net.invertedResidual(
          x, "backbone.stage\(stage + 1).\(index)", to: options.channels(channels),
          expansion: expansion, stride: index == 0 ? stride : 1)
      }
      if [2, 4].contains(stage) { levels.append(x) }
    }
    levels.append(net.convolution(x, "backbone.last", to: options.channels(1280), .relu6))
    for (index, channels) in [512.0, 256].enumerated() {
      let name = "extra\(index)"
      var y = net.convolution(
        levels[levels.count - 1], "\(name).reduce", to: options.channels(channels / 2), .relu6)
      y = net.convolution(
        y, "\(name).depthwise", to: y.channels, kernel: 3, stride: 2, groups: y.channels, .relu6)
      levels.append(net.convolution(y, "\(name).expand", to: options.channels(channels), .relu6))
    }
    return try net.ssdHead(levels, strides: [8, 16, 32, 64, 128], options)
  }
}

extension NetworkBuilder {
  /// The extents of the priors of a stride: a square, a larger one, a wide and a tall one.
  private static func priors(_ stride: Int) -> [[Double]] {
    let side = 2.25 * Double(stride)
    func round(_ value: Double) -> Double { (value * 100).rounded() / 100 }
    let (long, short) = (round(side * 2.0.squareRoot()), round(side / 2.0.squareRoot()))
    return [[side, side], [long, long], [long, short], [short, long]]
  }

  /// Predictors of scores and offsets on each scale, concatenated over scales.
  fileprivate mutating func ssdHead(
    _ levels: [Feature], strides: [Int], _ options: ArchitectureOptions
  ) throws -> Graph {
    let classes = options.classes.count + 1
    var (scores, boxes): ([Feature], [Feature]) = ([], [])
    var count = 0
    for (level, stride) in zip(levels, strides) {
      let priors = Self.priors(stride).count
      let side = (options.imageSize + stride - 1) / stride
      count += side * side * priors
      scores.append(
        predictor(level, "head.stride\(stride).score", priors: priors, fields: classes))
      boxes.append(predictor(level, "head.stride\(stride).box", priors: priors, fields: 4))
    }
    let logits = rows(scores, "logits")
    let softmax = node(
      "Softmax", "scores", [logits.name], channels: classes, attributes: ["axis": .int(-1)])
    let offsets = rows(boxes, "boxes")
    return try finished([(softmax, [count, classes]), (offsets, [count, 4])]).carrying(
      HeadConfiguration(
        family: "ssd", classes: options.classes, strides: strides,
        anchors: strides.map { Self.priors($0) }, isDecoded: false, confidence: 0.01, iou: 0.5,
        maxDetections: 200,
        preprocessing: Preprocessing(fit: .stretch, order: .rgb, mean: [127.5], std: [127.5])))
  }

  /// A depthwise and a 1×1 convolution, as `[N, cells · priors, fields]`.
  private mutating func predictor(
    _ x: Feature, _ name: String, priors: Int, fields: Int
  ) -> Feature {
    let y = convolution(
      x, "\(name).dw", to: x.channels, kernel: 3, groups: x.channels, .relu6)
    let map = plainConvolution(
      y, "\(name).out", to: priors * fields,
      biases: Array(repeating: 0, count: priors * fields), scale: 0.3)
    let last = node(
      "Transpose", "\(name).last", [map.name], channels: map.channels,
      attributes: ["perm": .ints([0, 2, 3, 1])])
    let shape = constant("\(name).shape", Tensor([0, -1, Int64(fields)] as [Int64], shape: [3]))
    return node("Reshape", "\(name).rows", [last.name, shape], channels: fields)
  }

  private mutating func rows(_ parts: [Feature], _ name: String) -> Feature {
    node(
      "Concat", name, parts.map(\.name), channels: parts[0].channels,
      attributes: ["axis": .int(1)])
  }
}
