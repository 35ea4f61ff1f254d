import GraphIR
import Tensors

extension NetworkBuilder {
  /// A unit of ShuffleNetV2.
  ///
  /// Half of the channels pass 1×1, depthwise 3×3 and 1×1 convolutions, then the halves are
  /// concatenated and shuffled. With stride 2 both branches read all channels.
  ///
  /// Reference: Ma et al., *ShuffleNet V2*, ECCV 2018, arXiv:1807.11164, figure 3 (c) and (d).
  mutating func shuffleUnit(
    _ x: Feature, _ name: String, to channels: Int, stride: Int, size: Int
  ) -> Feature {
    let half = channels / 2
    var (left, right) = (x, x)
    if stride == 1 {
      (left, right) = halves(x, "\(name).split")
    } else {
      left = convolution(
        x, "\(name).left.dw", to: x.channels, kernel: 3, stride: 2, groups: x.channels, .none)
      left = convolution(left, "\(name).left.pw", to: half, .relu)
    }
    right = convolution(right, "\(name).right.pw1", to: half, .relu)
    right = convolution(
      right, "\(name).right.dw", to: half, kernel: 3, stride: stride, groups: half, .none)
    right = convolution(right, "\(name).right.pw2", to: half, .relu)
    return shuffled(concatenation([left, right], "\(name).concat"), "\(name).shuffle", size: size)
  }

  /// The channels of two groups interleaved; `size` is the number of rows and of columns.
  private mutating func shuffled(_ x: Feature, _ name: String, size: Int) -> Feature {
    let apart = constant(
      "\(name).apart",
      Tensor([0, 2, Int64(x.channels / 2), Int64(size), Int64(size)] as [Int64], shape: [5]))
    let together = constant(
      "\(name).together", Tensor([0, Int64(x.channels), Int64(size), Int64(size)], shape: [4]))
    let split = node("Reshape", "\(name).split", [x.name, apart], channels: x.channels)
    let swapped = node(
      "Transpose", "\(name).transpose", [split.name], channels: x.channels,
      attributes: ["perm": .ints([0, 2, 1, 3, 4])])
    return node("Reshape", name, [swapped.name, together], channels: x.channels)
  }
}
