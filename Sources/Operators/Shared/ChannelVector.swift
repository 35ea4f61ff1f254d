import GraphIR
import Tensors

/// Constants of elementwise operators that are learnt: a bias or a scale of each channel.
enum ChannelVector {
  /// The operands that are such constants.
  ///
  /// A vector runs along the last axis of the other operand, as biases of matrix products do, or is
  /// `[C, 1, 1]` or `[1, C, 1, 1]` beside an image `[N, C, H, W]`. All else, grids, anchors and
  /// strides among it, runs along positions.
  static func places(_ inputs: [Operand?]) -> [Int] {
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else { return [] }
    return [(0, a, b), (1, b, a)].compactMap { place, vector, other in
      vector.constant != nil && other.constant == nil
        && isOfChannels(vector.type.shape, beside: other.type.shape) ? place : nil
    }
  }

  private static func isOfChannels(_ shape: [Int], beside other: [Int]) -> Bool {
    if shape.count == 1 { return shape[0] > 1 && shape[0] == other.last }
    guard shape.count >= 3, other.count == 4, shape.count <= 4 else { return false }
    let full = Array(repeating: 1, count: 4 - shape.count) + shape
    return full == [1, other[1], 1, 1] && other[1] > 3
  }
}
