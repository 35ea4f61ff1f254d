import Tensors
import Training

extension DistillationLoss {
  /// Relations between the images of a batch: the distances and angles between their vectors.
  ///
  /// An image's vector e `[N, C]` is the mean of its map over rows and columns. Distances are
  /// `ψ_ij = ‖e_i − e_j‖ / mean of all pairs`, and `∠_ijk` is the cosine of the angle at j. The
  /// loss is `distance · mean_{i≠j} ℓ(ψ_s − ψ_t) + angle · mean_ijk ℓ(∠_s − ∠_t)` with the Huber
  /// loss ℓ, summed over the feature points. Channels may differ.
  ///
  /// Reference: Park et al., *Relational Knowledge Distillation*, CVPR 2019, arXiv:1904.05068, with
  /// its weights. Deviation: vectors at every feature point instead of one at the end.
  public static let relational = DistillationLoss(
    name: "rkd", summary: "distances and angles between the images of a batch",
    citation: "Park et al., CVPR 2019, arXiv:1904.05068", subject: .features, weight: 0.1,
    settings: [
      Setting("distance", "weight of distances", 25, in: 0...10_000),
      Setting("angle", "weight of angles", 50, in: 0...10_000),
    ],
    make: { context in
      guard context.images > 2 else {
        throw DistillationError.batch(loss: context.loss, needed: 3, found: context.images)
      }
      let (distance, angle) = (
        Float(context.setting("distance")), Float(context.setting("angle"))
      )
      return try PairTerm(context) { pair, weight, _ in
        let (own, other) = Embeddings.pair(pair)
        var gradient = [Float](repeating: 0, count: own.values.count)
        var total = 0.0
        if distance > 0 { total += distances(own, other, distance, &gradient) }
        if angle > 0 { total += angles(own, other, angle, &gradient) }
        Embeddings.pull(gradient, scale: weight, into: pair.student)
        return total
      }
    })

  /// The distance part of the loss; adds its gradient with respect to the student's vectors.
  private static func distances(
    _ own: Embeddings, _ other: Embeddings, _ weight: Float, _ gradient: inout [Float]
  ) -> Double {
    let count = own.count
    let pairs = Float(count * (count - 1))
    func normalized(_ embeddings: Embeddings) -> (distances: [Float], mean: Float) {
      let distances = embeddings.squaredDistances.map { $0.squareRoot() }
      return (distances, max(distances.reduce(0, +) / pairs, 1e-12))
    }
    let ((s, mean), (t, otherMean)) = (normalized(own), normalized(other))
    var (total, along) = (0.0, Float(0))
    var slopes = [Float](repeating: 0, count: count * count)
    for index in s.indices {
      let (value, slope) = huber(s[index] / mean - t[index] / otherMean)
      total += value
      slopes[index] = slope
      along += slope * s[index]
    }
    // The mean distance depends on every pair.
    let shared = along / (mean * pairs)
    for i in 0..<count {
      for j in 0..<count where i != j && s[i * count + j] > 0 {
        let slope = (slopes[i * count + j] - shared) / (mean * pairs)
        let factor = 2 * weight * slope / s[i * count + j]
        for index in 0..<own.length {
          let gap = own.values[i * own.length + index] - own.values[j * own.length + index]
          gradient[i * own.length + index] += factor * gap
        }
      }
    }
    return Double(weight) * total / Double(pairs)
  }

  /// The angle part of the loss; adds its gradient with respect to the student's vectors.
  private static func angles(
    _ own: Embeddings, _ other: Embeddings, _ weight: Float, _ gradient: inout [Float]
  ) -> Double {
    let (count, length) = (own.count, own.length)
    let triples = Float(count * count * count)
    var total = 0.0
    for vertex in 0..<count {
      let (s, t) = (Directions(own, from: vertex), Directions(other, from: vertex))
      for i in 0..<count where i != vertex {
        var pull = [Float](repeating: 0, count: length)
        for k in 0..<count where k != vertex {
          let (value, slope) = huber(s.cosine(i, k) - t.cosine(i, k))
          total += value
          for index in 0..<length { pull[index] += 2 * slope * s.units[k * length + index] }
        }
        // The derivative of a unit vector is orthogonal to it.
        var along: Float = 0
        for index in 0..<length { along += pull[index] * s.units[i * length + index] }
        for index in 0..<length {
          let free = pull[index] - along * s.units[i * length + index]
          let change = weight * free / (triples * s.norms[i])
          gradient[i * length + index] += change
          gradient[vertex * length + index] -= change
        }
      }
    }
    return Double(weight) * total / Double(triples)
  }
}

/// The unit vectors from one image's vector to the others'.
private struct Directions {
  private(set) var units: [Float]
  private(set) var norms: [Float]
  private let length: Int

  init(_ embeddings: Embeddings, from vertex: Int) {
    length = embeddings.length
    (units, norms) = ([], [])
    for image in 0..<embeddings.count {
      let gap = embeddings.difference(image, vertex)
      let norm = max(gap.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
      norms.append(norm)
      units += gap.map { $0 / norm }
    }
  }

  func cosine(_ i: Int, _ k: Int) -> Float {
    var sum: Float = 0
    for index in 0..<length { sum += units[i * length + index] * units[k * length + index] }
    return sum
  }
}
