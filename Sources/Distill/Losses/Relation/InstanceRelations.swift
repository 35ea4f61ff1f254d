import Tensors
import Training

extension DistillationLoss {
  /// The graph of a batch's images: its vertices, its edges, and how edges change from one stride
  /// to the next.
  ///
  /// An image's vector e `[N, C]` is the mean of its map over rows and columns. Edges are
  /// `E_ij = ‖e_i − e_j‖² / mean of all pairs`. The loss is
  /// `vertex · mean (r(e_s) − e_t)² + edge · mean (E_s − E_t)²` at each feature point, with r a
  /// learned linear map where channels differ. Added is `transformation · mean (ΔE_s − ΔE_t)²` with
  /// ΔE the change of the edges between consecutive points.
  ///
  /// Reference: Liu et al., *Knowledge Distillation via Instance Relationship Graph*, CVPR 2019.
  /// Deviations: edges are divided by their mean, not by the largest, which has no gradient. The
  /// transformation compares edges, because the layers of a detector differ in channels. Vertices
  /// are pooled features.
  public static let instanceRelations = DistillationLoss(
    name: "irg", summary: "vertices, edges and their change, of the graph of a batch's images",
    citation: "Liu et al., CVPR 2019", subject: .features,
    settings: [
      Setting("vertex", "weight of vertices", 1, in: 0...10_000),
      Setting("edge", "weight of edges", 1, in: 0...10_000),
      Setting("transformation", "weight of the change of edges", 1, in: 0...10_000),
    ],
    make: { context in
      guard context.images > 1 else {
        throw DistillationError.batch(loss: context.loss, needed: 2, found: context.images)
      }
      return try GraphTerm(context)
    })
}

private final class GraphTerm: DistillationTerm {
  private let bridges: [ChannelBridge]
  private let vertex: Float
  private let edge: Float
  private let transformation: Float
  var learned: [LearnedPart] { bridges.compactMap(\.part) }

  init(_ context: DistillationContext) throws {
    bridges = try context.featurePoints().enumerated().map { index, point in
      var pooled = point
      (pooled.rows, pooled.columns) = (1, 1)
      return try ChannelBridge(
        pooled, images: context.images, context: context, stream: UInt64(index))
    }
    vertex = Float(context.setting("vertex"))
    edge = Float(context.setting("edge"))
    transformation = Float(context.setting("transformation"))
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    let vectors = batch.pairs.map { Embeddings.pair($0) }
    let own = vectors.map { Edges($0.student) }
    let other = vectors.map { Edges($0.teacher) }
    var slopes = own.map { [Float](repeating: 0, count: $0.values.count) }
    var total = 0.0
    for (index, pair) in batch.pairs.enumerated() {
      total += try compareVertices(index, vectors[index], pair, batch, weight)
      let scale = edge / Float(own[index].values.count)
      for place in own[index].values.indices {
        let error = own[index].values[place] - other[index].values[place]
        total += Double(scale * error * error)
        slopes[index][place] += 2 * scale * error
      }
      guard index > 0 else { continue }
      let change = transformation / Float(own[index].values.count)
      for place in own[index].values.indices {
        let error =
          own[index].values[place] - own[index - 1].values[place]
          - (other[index].values[place] - other[index - 1].values[place])
        total += Double(change * error * error)
        slopes[index][place] += 2 * change * error
        slopes[index - 1][place] -= 2 * change * error
      }
    }
    for (index, pair) in batch.pairs.enumerated() {
      let gradient = own[index].pull(slopes[index], vectors[index].student)
      Embeddings.pull(gradient, scale: weight, into: pair.student)
    }
    return Double(weight) * total
  }

  /// The vertex part of the loss at one feature point.
  private func compareVertices(
    _ index: Int, _ vectors: (student: Embeddings, teacher: Embeddings), _ pair: FeaturePair,
    _ batch: DistillationBatch, _ weight: Float
  ) throws -> Double {
    guard vertex > 0 else { return 0 }
    let (own, other) = vectors
    var values = own.values
    var gradient = [Float](repeating: 0, count: values.count)
    let sum = try values.withUnsafeMutableBufferPointer { memory -> Double in
      try gradient.withUnsafeMutableBufferPointer { slopes -> Double in
        guard let base = memory.baseAddress, let slope = slopes.baseAddress else { return 0 }
        let map = RawMap(
          shape: [own.count, own.length, 1, 1], values: UnsafePointer(base), gradient: slope)
        let aligned = try bridges[index].align(map)
        let value = other.values.withUnsafeBufferPointer { teacher in
          teacher.baseAddress.map {
            2 * DistillationLoss.squaredDistance(aligned, $0, 2 * weight * vertex)
          } ?? 0
        }
        try bridges[index].pull(into: map, batch)
        return value
      }
    }
    Embeddings.pull(gradient, scale: 1, into: pair.student)
    return Double(vertex) * sum
  }
}

/// The squared distances of all pairs, divided by their mean over different images.
private struct Edges {
  let values: [Float]
  private let mean: Float

  init(_ embeddings: Embeddings) {
    let distances = embeddings.squaredDistances
    let pairs = Float(embeddings.count * (embeddings.count - 1))
    let mean = max(distances.reduce(0, +) / pairs, 1e-12)
    self.mean = mean
    values = distances.map { $0 / mean }
  }

  /// The gradient with respect to the vectors, from the gradient with respect to the edges.
  func pull(_ slopes: [Float], _ embeddings: Embeddings) -> [Float] {
    let (count, length) = (embeddings.count, embeddings.length)
    let pairs = Float(count * (count - 1))
    let shared = zip(slopes, values).reduce(Float(0)) { $0 + $1.0 * $1.1 } / pairs
    var gradient = [Float](repeating: 0, count: count * length)
    for i in 0..<count {
      for j in 0..<count where i != j {
        let slope = (slopes[i * count + j] + slopes[j * count + i]) / 2 - shared
        for index in 0..<length {
          let gap = embeddings.values[i * length + index] - embeddings.values[j * length + index]
          gradient[i * length + index] += 4 * slope / mean * gap
        }
      }
    }
    return gradient
  }
}
