import Foundation

/// The logistic function.
@inline(__always)
func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

/// Binary cross-entropy of a logit against a target between 0 and 1,
/// `max(x, 0) − x·t + log(1 + e^(−|x|))`, and its gradient `σ(x) − t`.
@inline(__always)
func binaryCrossEntropy(_ x: Float, _ target: Float) -> (loss: Float, gradient: Float) {
  let small = exp(-x.magnitude)
  let probability = x >= 0 ? 1 / (1 + small) : small / (1 + small)
  return (max(x, 0) - x * target + log1p(small), probability - target)
}
