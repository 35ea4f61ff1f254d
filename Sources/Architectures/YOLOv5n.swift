import GraphIR

extension Architecture {
  /// YOLOv5n: C3 blocks, a path aggregation neck with lateral convolutions, and anchors with
  /// objectness.
  ///
  /// At width and depth 1 it is the published n model of release 6: 1,872,157 parameters for 80
  /// classes before folding. Outputs: `[N, 3·(5 + C), H, W]` at strides 8, 16 and 32.
  ///
  /// Reference: Jocher et al., Ultralytics YOLOv5, 2020–2022. Deviates in ending at the raw maps.
  public static let yolov5n = Architecture(
    name: "yolov5n", summary: "CSP blocks, anchors and objectness",
    citation: "Jocher et al., Ultralytics YOLOv5, 2020–2022", build: buildYOLOv5n)

  private static func buildYOLOv5n(_ options: ArchitectureOptions) throws -> Graph {
    try options.check()
    var net = NetworkBuilder(name: "yolov5n", imageSize: options.imageSize, seed: options.seed)
    let c = [16, 32, 64, 128, 256].map { options.channels($0) }
    var x = net.convolution(
      net.input, "backbone.stem", to: c[0], kernel: 6, stride: 2, pad: 2, .silu)
    var levels: [Feature] = []
    for (stage, count) in [1.0, 2, 3, 1].enumerated() {
      let name = "backbone.stage\(stage + 1)"
      x = net.convolution(x, "\(name).down", to: c[stage + 1], kernel: 3, stride: 2, .silu)
      x = net.c3(
        x, "\(name).c3", to: c[stage + 1], count: options.repetitions(count), adds: true)
      levels.append(x)
    }
    x = net.spatialPyramid(x, "backbone.sppf", to: c[4])
    let count = options.repetitions(1)
    let deep = net.convolution(x, "neck.lateral1", to: c[3], .silu)
    var up = net.concatenation([net.upsampled(deep, "neck.up1"), levels[2]], "neck.concat1")
    up = net.c3(up, "neck.top1", to: c[3], count: count, adds: false)
    let middle = net.convolution(up, "neck.lateral2", to: c[2], .silu)
    up = net.concatenation([net.upsampled(middle, "neck.up2"), levels[1]], "neck.concat2")
    let fine = net.c3(up, "neck.top2", to: c[2], count: count, adds: false)
    var down = net.convolution(fine, "neck.down1", to: c[2], kernel: 3, stride: 2, .silu)
    down = net.concatenation([down, middle], "neck.concat3")
    let centre = net.c3(down, "neck.bottom1", to: c[3], count: count, adds: false)
    down = net.convolution(centre, "neck.down2", to: c[3], kernel: 3, stride: 2, .silu)
    down = net.concatenation([down, deep], "neck.concat4")
    let coarse = net.c3(down, "neck.bottom2", to: c[4], count: count, adds: false)
    return try net.anchorHead([fine, centre, coarse], options)
  }
}
