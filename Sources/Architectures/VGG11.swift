import GraphIR

extension Architecture {
  /// VGG-11 with batch normalisations and an anchor-free head: only plain 3×3 convolutions, the
  /// kind of network for which low-rank factorisation was developed.
  ///
  /// Outputs: `[N, 64 + C, H, W]` at strides 8, 16 and 32, boxes first, computed from the ends of
  /// the third, fourth and fifth stage.
  ///
  /// Reference: Simonyan and Zisserman, *Very Deep Convolutional Networks for Large-Scale Image
  /// Recognition*, ICLR 2015, arXiv:1409.1556, configuration A. Deviates in batch normalisations,
  /// and in YOLOv8's head instead of the classifier.
  public static let vgg11 = Architecture(
    name: "vgg11", summary: "plain 3×3 convolutions, anchor-free head",
    citation: "Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556", build: buildVGG11)

  private static func buildVGG11(_ options: ArchitectureOptions) throws -> Graph {
    try options.check()
    var net = NetworkBuilder(name: "vgg11", imageSize: options.imageSize, seed: options.seed)
    let stages: [(channels: Double, count: Double)] = [
      (64, 1), (128, 1), (256, 2), (512, 2), (512, 2),
    ]
    var x = net.input
    var levels: [Feature] = []
    for (stage, (channels, count)) in stages.enumerated() {
      let name = "backbone.stage\(stage + 1)"
      for index in 0..<options.repetitions(count) {
        x = net.convolution(
          x, "\(name).\(index)", to: options.channels(channels), kernel: 3, .relu)
      }
      x = net.node(
        "MaxPool", "\(name).pool", [x.name], channels: x.channels,
        attributes: ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])])
      if stage >= 2 { levels.append(x) }
    }
    return try net.yolov8Head(levels, options)
  }
}
