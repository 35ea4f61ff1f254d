extension NetworkBuilder {
  /// Three 5×5 max pools in a row, concatenated with their input: the fast form of spatial pyramid
  /// pooling.
  ///
  /// Reference: He et al., *Spatial Pyramid Pooling*, ECCV 2014, arXiv:1406.4729, in Ultralytics'
  /// form SPPF.
  mutating func spatialPyramid(_ x: Feature, _ name: String, to channels: Int) -> Feature {
    var parts = [convolution(x, "\(name).cv1", to: x.channels / 2, .silu)]
    for index in 0..<3 {
      parts.append(maxPool(parts[index], "\(name).pool\(index)", kernel: 5))
    }
    return convolution(concatenation(parts, "\(name).concat"), "\(name).cv2", to: channels, .silu)
  }
}
