extension NetworkBuilder {
  /// MobileNetV2's block: 1×1 up, depthwise 3×3, 1×1 down without activation, and the input added
  /// where shapes agree.
  ///
  /// Reference: Sandler et al., *MobileNetV2*, CVPR 2018, arXiv:1801.04381, §3.3.
  mutating func invertedResidual(
    _ x: Feature, _ name: String, to channels: Int, expansion: Int, stride: Int
  ) -> Feature {
    let hidden = x.channels * expansion
    var y = x
    if expansion > 1 { y = convolution(y, "\(name).expand", to: hidden, .relu6) }
    y = convolution(
      y, "\(name).depthwise", to: hidden, kernel: 3, stride: stride, groups: hidden, .relu6)
    y = convolution(y, "\(name).project", to: channels, .none)
    return stride == 1 && x.channels == channels ? add(x, y, "\(name).add") : y
  }
}
