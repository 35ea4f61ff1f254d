import GraphIR

extension Architecture {
  /// YOLOv8n: C2f blocks, a path aggregation neck and a decoupled, anchor-free head with distance
  /// distributions.
  ///
  /// At width and depth 1 it is the published n model: 3,157,184 parameters for 80 classes, without
  /// the fixed projection of the distributions. Outputs: `[N, 64 + C, H, W]` at strides 8, 16 and
  /// 32, boxes first.
  ///
  /// Reference: Jocher et al., Ultralytics YOLOv8, 2023; Li et al., *Generalized Focal Loss*,
  /// NeurIPS 2020, arXiv:2006.04388, for the distributions. Deviates in ending at the raw maps.
  public static let yolov8n = Architecture(
    name: "yolov8n", summary: "CSP blocks, anchor-free head with distance distributions",
    citation: "Jocher et al., Ultralytics YOLOv8, 2023", build: buildYOLOv8n)

  private static func buildYOLOv8n(_ options: ArchitectureOptions) throws -> Graph {
    try options.check()
    var net = NetworkBuilder(name: "yolov8n", imageSize: options.imageSize, seed: options.seed)
    let c = [16, 32, 64, 128, 256].map { options.channels($0) }
    let (once, twice) = (options.repetitions(1), options.repetitions(2))
    var x = net.convolution(net.input, "backbone.stem", to: c[0], kernel: 3, stride: 2, .silu)
    var levels: [Feature] = []
    for (stage, count) in [once, twice, twice, once].enumerated() {
      let name = "backbone.stage\(stage + 1)"
      x = net.convolution(x, "\(name).down", to: c[stage + 1], kernel: 3, stride: 2, .silu)
      x = net.c2f(x, "\(name).c2f", to: c[stage + 1], count: count, adds: true)
      levels.append(x)
    }
    x = net.spatialPyramid(x, "backbone.sppf", to: c[4])
    let maps = net.pathAggregation(
      [levels[1], levels[2], x], widths: [c[2], c[3], c[4]], count: once)
    return try net.yolov8Head(maps, options)
  }
}

extension NetworkBuilder {
  /// YOLOv8's neck: features pass up and down the strides once, through C2f blocks.
  ///
  /// Reference: Liu et al., *Path Aggregation Network*, CVPR 2018, arXiv:1803.01534, without the
  /// lateral 1×1 convolutions.
  fileprivate mutating func pathAggregation(
    _ levels: [Feature], widths: [Int], count: Int
  ) -> [Feature] {
    var up = levels[2]
    up = concatenation([upsampled(up, "neck.up1"), levels[1]], "neck.concat1")
    let middle = c2f(up, "neck.top1", to: widths[1], count: count, adds: false)
    up = concatenation([upsampled(middle, "neck.up2"), levels[0]], "neck.concat2")
    let fine = c2f(up, "neck.top2", to: widths[0], count: count, adds: false)
    var down = convolution(fine, "neck.down1", to: widths[0], kernel: 3, stride: 2, .silu)
    down = concatenation([down, middle], "neck.concat3")
    let centre = c2f(down, "neck.bottom1", to: widths[1], count: count, adds: false)
    down = convolution(centre, "neck.down2", to: widths[1], kernel: 3, stride: 2, .silu)
    down = concatenation([down, levels[2]], "neck.concat4")
    let coarse = c2f(down, "neck.bottom2", to: widths[2], count: count, adds: false)
    return [fine, centre, coarse]
  }
}
