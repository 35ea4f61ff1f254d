import Foundation
import GraphIR
import ObjectDetection

extension Architecture {
  /// YOLOv8n: C2f blocks, a path aggregation neck and a decoupled, anchor-free head with distance distributions.
  ///
  /// At width and depth 1 it is the published n model: 3,157,184 parameters for 80 classes, the fixed projection of the
  /// distributions left out. Outputs: `[N, 64 + C, H, W]` at strides 8, 16 and 32, boxes first.
  ///
  /// Reference: Jocher et al., Ultralytics YOLOv8, 2023; Li et al., *Generalized Focal Loss*, NeurIPS 2020,
  /// arXiv:2006.04388, for the distributions. Deviates in ending at the raw maps.
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
  /// YOLOv8's neck: features go up and down the strides once, C2f blocks on the way.
  ///
  /// Reference: Liu et al., *Path Aggregation Network*, CVPR 2018, arXiv:1803.01534, without the lateral 1×1
  /// convolutions.
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

  /// Two branches a map: 4·16 bins of the distances to a box's sides, and the classes.
  ///
  /// The biases of the classes start where each cell of a 640-pixel image expects 5/C objects an image of its class.
  fileprivate mutating func yolov8Head(
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
