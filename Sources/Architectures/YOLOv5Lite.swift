import GraphIR

extension Architecture {
  /// A light YOLOv5: a ShuffleNetV2 backbone, a neck of one width with separable convolutions, and
  /// YOLOv5's head.
  ///
  /// Outputs: `[N, 3·(5 + C), H, W]` at strides 8, 16 and 32.
  ///
  /// Reference: Chen and Gong, *YOLOv5-Lite*, 2021, for the plan; Ma et al., *ShuffleNet V2*, ECCV
  /// 2018, arXiv:1807.11164, for the backbone at about its 1× widths. The neck adds features where
  /// YOLOv5-Lite concatenates them, as NanoDet's does.
  public static let yolov5Lite = Architecture(
    name: "yolov5-lite", summary: "ShuffleNetV2 backbone, light neck, anchors and objectness",
    citation: "Chen and Gong, YOLOv5-Lite, 2021; Ma et al., ECCV 2018, arXiv:1807.11164",
    build: buildYOLOv5Lite)

  private static func buildYOLOv5Lite(_ options: ArchitectureOptions) throws -> Graph {
    try options.check()
    var net = NetworkBuilder(
      name: "yolov5-lite", imageSize: options.imageSize, seed: options.seed)
    var x = net.convolution(
      net.input, "backbone.stem", to: options.channels(24), kernel: 3, stride: 2, .relu)
    x = net.maxPool(x, "backbone.pool", kernel: 3, stride: 2)
    var size = options.imageSize / 4
    var levels: [Feature] = []
    for (stage, plan) in [(116.0, 3.0), (232, 7), (464, 3)].enumerated() {
      // Halves of a unit's channels are multiples of 8.
      let channels = 2 * options.channels(plan.0 / 2)
      size /= 2
      let name = "backbone.stage\(stage + 2)"
      x = net.shuffleUnit(x, "\(name).0", to: channels, stride: 2, size: size)
      for index in 1...options.repetitions(plan.1) {
        x = net.shuffleUnit(x, "\(name).\(index)", to: channels, stride: 1, size: size)
      }
      levels.append(x)
    }
    return try net.anchorHead(net.lightNeck(levels, to: options.channels(96)), options)
  }
}

extension NetworkBuilder {
  /// Features of one width that are added up and down the strides, each smoothed by a separable
  /// convolution.
  fileprivate mutating func lightNeck(_ levels: [Feature], to channels: Int) -> [Feature] {
    let lateral = levels.enumerated().map { index, level in
      convolution(level, "neck.lateral\(index)", to: channels, .relu)
    }
    var top = [lateral[2]]
    for index in [1, 0] {
      let up = upsampled(top[0], "neck.up\(index)")
      top.insert(
        separable(add(up, lateral[index], "neck.add\(index)"), "neck.top\(index)", stride: 1),
        at: 0)
    }
    var bottom = [top[0]]
    for index in [1, 2] {
      let down = separable(bottom[index - 1], "neck.down\(index)", stride: 2)
      bottom.append(
        separable(
          add(down, top[index], "neck.sum\(index)"), "neck.bottom\(index)", stride: 1))
    }
    return bottom
  }

  /// A depthwise 5×5 and a 1×1 convolution.
  private mutating func separable(_ x: Feature, _ name: String, stride: Int) -> Feature {
    let y = convolution(
      x, "\(name).dw", to: x.channels, kernel: 5, stride: stride, groups: x.channels, .relu)
    return convolution(y, "\(name).pw", to: x.channels, .relu)
  }
}
