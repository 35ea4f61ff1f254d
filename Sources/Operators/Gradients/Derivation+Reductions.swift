import GraphIR
import Tensors

/// A reduction's gradient and output, their folded axes put back with extent 1.
struct SpreadFold {
  /// `∂y`.
  var gradient: String
  /// y.
  var output: String
  /// The shape of the input.
  var shape: [Int]
  /// The elements folded into one.
  var count: Int
}

extension Derivation {
  /// What the derivatives of reductions start from.
  mutating func spreadFold(_ axes: ReductionAxes) throws -> SpreadFold {
    let shape = try type(0).shape
    guard let folded = try axes.folded(inputs) else { throw OperatorErrors.dynamicTypes }
    let kept = shape.indices.map { folded.contains($0) ? 1 : shape[$0] }
    return SpreadFold(
      gradient: reshaped(gradient(), to: kept), output: reshaped(output(0), to: kept),
      shape: shape, count: folded.reduce(1) { $0 * shape[$1] })
  }
}
