import Foundation

/// A distance as a distribution over the bins 0, 1 … of a softmax.
///
/// Reference: Li et al., *Generalized Focal Loss*, NeurIPS 2020, arXiv:2006.04388, §3.
struct DistanceDistribution {
  /// The probability of each bin.
  private(set) var probabilities: [Float]
  /// The mean: the distance in cells.
  private(set) var mean: Float = 0

  /// A distribution with a number of bins, all zero.
  init(bins: Int) { probabilities = Array(repeating: 0, count: bins) }

  /// Sets the distribution to the softmax of logits that are `step` apart.
  mutating func read(_ logits: UnsafePointer<Float>, step: Int) {
    var highest = -Float.infinity
    for bin in probabilities.indices { highest = max(highest, logits[bin * step]) }
    var sum: Float = 0
    for bin in probabilities.indices {
      let value = exp(logits[bin * step] - highest)
      probabilities[bin] = value
      sum += value
    }
    mean = 0
    for bin in probabilities.indices {
      probabilities[bin] /= sum
      mean += Float(bin) * probabilities[bin]
    }
  }

  /// Adds the gradient of a loss that depends on the mean: `∂mean/∂logit_j = p_j (j − mean)`.
  func addMeanGradient(_ slope: Float, to gradient: UnsafeMutablePointer<Float>, step: Int) {
    for bin in probabilities.indices {
      gradient[bin * step] += slope * probabilities[bin] * (Float(bin) - mean)
    }
  }

  /// The distribution focal loss `−(r − t)·log p_l − (t − l)·log p_r` of a distance t between the
  /// bins l and r = l + 1, with its gradient times `scale` added.
  func focalLoss(
    _ target: Float, scale: Float, to gradient: UnsafeMutablePointer<Float>, step: Int
  ) -> Float {
    let clamped = min(max(target, 0), Float(probabilities.count - 1) - 0.01)
    let left = Int(clamped)
    let toRight = clamped - Float(left)
    for bin in probabilities.indices { gradient[bin * step] += scale * probabilities[bin] }
    gradient[left * step] -= scale * (1 - toRight)
    gradient[(left + 1) * step] -= scale * toRight
    let floor: Float = 1e-30
    return -(1 - toRight) * log(max(probabilities[left], floor))
      - toRight * log(max(probabilities[left + 1], floor))
  }
}
