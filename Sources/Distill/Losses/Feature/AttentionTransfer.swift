import Tensors
import Training

extension DistillationLoss {
  /// Where in the image the networks are active.
  ///
  /// For a map A `[N, C, H, W]`, `Q = Σ_c A_c²` is a vector of H·W numbers for each image, and
  /// `q = Q / ‖Q‖`. The loss is `½ · mean over images of ‖q_s − q_t‖²`, summed over the feature
  /// points.
  ///
  /// Reference: Zagoruyko and Komodakis, *Paying More Attention to Attention*, ICLR 2017,
  /// arXiv:1612.03928, equation 2 with p = 2. Deviation: the distance is squared, as in the
  /// authors' code, so that equal maps have a gradient.
  public static let attention = DistillationLoss(
    name: "at", summary: "maps of where the channels together are active",
    citation: "Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928", subject: .features, weight: 2,
    make: { context in
      try PairTerm(context) { pair, weight, pool in
        let (map, cells) = (pair.student, pair.student.cells)
        let parts = try pool.map(map.images) { image in
          attentionError(
            map, offset: image * map.channels * cells,
            teacher: pair.teacher + image * pair.teacherChannels * cells,
            teacherChannels: pair.teacherChannels, scale: weight / Float(map.images))
        }
        return parts.reduce(0, +) / Double(map.images)
      }
    })

  /// `½ ‖q_s − q_t‖²` of one image; adds its gradient times `scale`.
  private static func attentionError(
    _ map: RawMap, offset: Int, teacher: UnsafePointer<Float>, teacherChannels: Int, scale: Float
  ) -> Double {
    let cells = map.cells
    let own = Attention(map.values + offset, channels: map.channels, cells: cells)
    let other = Attention(teacher, channels: teacherChannels, cells: cells)
    var (error, along) = (0.0, 0.0)
    for cell in 0..<cells {
      let difference = own.values[cell] - other.values[cell]
      error += difference * difference
      along += difference * own.values[cell]
    }
    // ∂/∂Q = (δ − q ⟨q, δ⟩) / ‖Q‖ with δ = q_s − q_t, and ∂Q/∂A = 2 A.
    for cell in 0..<cells {
      let difference = own.values[cell] - other.values[cell]
      let slope = Float((difference - own.values[cell] * along) / own.norm) * 2 * scale
      for channel in 0..<map.channels {
        let place = offset + channel * cells + cell
        map.gradient[place] += slope * map.values[place]
      }
    }
    return error / 2
  }
}

/// The attention map of an image's features, of unit length.
private struct Attention {
  private(set) var values: [Double]
  private(set) var norm: Double

  init(_ features: UnsafePointer<Float>, channels: Int, cells: Int) {
    values = Array(repeating: 0, count: cells)
    for channel in 0..<channels {
      for cell in 0..<cells {
        let value = Double(features[channel * cells + cell])
        values[cell] += value * value
      }
    }
    norm = max(values.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
    for cell in 0..<cells { values[cell] /= norm }
  }
}
