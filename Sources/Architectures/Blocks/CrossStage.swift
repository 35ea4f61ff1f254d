extension NetworkBuilder {
  /// Two 3×3 convolutions (or 1×1 and 3×3), with the input added on request where channels agree.
  mutating func bottleneck(
    _ x: Feature, _ name: String, to channels: Int, hidden: Int, kernels: (Int, Int),
    adds: Bool
  ) -> Feature {
    let inner = convolution(x, "\(name).cv1", to: hidden, kernel: kernels.0, .silu)
    let y = convolution(inner, "\(name).cv2", to: channels, kernel: kernels.1, .silu)
    return adds && x.channels == channels ? add(x, y, "\(name).add") : y
  }

  /// YOLOv5's C3: half of the channels pass `count` bottlenecks, the other half none; both are
  /// concatenated.
  ///
  /// Reference: Wang et al., *CSPNet*, CVPR Workshops 2020, arXiv:1911.11929, in Ultralytics
  /// YOLOv5's form.
  mutating func c3(
    _ x: Feature, _ name: String, to channels: Int, count: Int, adds: Bool
  ) -> Feature {
    let hidden = channels / 2
    var y = convolution(x, "\(name).cv1", to: hidden, .silu)
    for index in 0..<count {
      y = bottleneck(
        y, "\(name).m.\(index)", to: hidden, hidden: hidden, kernels: (1, 3), adds: adds)
    }
    let side = convolution(x, "\(name).cv2", to: hidden, .silu)
    return convolution(
      concatenation([y, side], "\(name).concat"), "\(name).cv3", to: channels, .silu)
  }

  /// YOLOv8's C2f: like C3, but the output of each bottleneck is concatenated as well.
  ///
  /// Reference: Jocher et al., Ultralytics YOLOv8, 2023, as published.
  mutating func c2f(
    _ x: Feature, _ name: String, to channels: Int, count: Int, adds: Bool
  ) -> Feature {
    let hidden = channels / 2
    let both = convolution(x, "\(name).cv1", to: 2 * hidden, .silu)
    let (first, second) = halves(both, "\(name).split")
    var parts = [first, second]
    for index in 0..<count {
      parts.append(
        bottleneck(
          parts[parts.count - 1], "\(name).m.\(index)", to: hidden, hidden: hidden,
          kernels: (3, 3), adds: adds))
    }
    return convolution(concatenation(parts, "\(name).concat"), "\(name).cv2", to: channels, .silu)
  }
}
