import Tensors
import Training

extension DistillationLoss {
  /// Feature maps up to the scale and offset of each channel.
  ///
  /// x̂ are the values of one channel over batch and cells, minus their mean and divided by their
  /// standard deviation. The loss of maps `[N, C, H, W]` is `½ · mean of (ŝ − t̂)²`, which is 1
  /// minus the mean Pearson correlation, summed over the feature points. The student's map passes a
  /// learned 1×1 convolution where its channels differ.
  ///
  /// Reference: Cao et al., *PKD: General Distillation Framework for Object Detectors via Pearson
  /// Correlation Coefficient*, NeurIPS 2022, arXiv:2207.02039.
  public static let pearson = DistillationLoss(
    name: "pkd", summary: "feature maps up to each channel's scale and offset",
    citation: "Cao et al., NeurIPS 2022, arXiv:2207.02039", subject: .features,
    make: { context in
      try AlignedTerm(context) { map, teacher, weight, pool in
        let parts = try pool.map(map.channels) { channel in
          decorrelation(map, teacher, channel: channel, weight: weight)
        }
        return parts.reduce(0, +) / Double(map.channels)
      }
    })

  /// 1 minus the correlation of a channel; adds its gradient times `weight / C`.
  private static func decorrelation(
    _ map: RawMap, _ teacher: UnsafePointer<Float>, channel: Int, weight: Float
  ) -> Double {
    let own = Standardized(map.values, map, channel: channel)
    let other = Standardized(teacher, map, channel: channel)
    let count = Double(own.values.count)
    var (error, mean, along) = (0.0, 0.0, 0.0)
    for (s, t) in zip(own.values, other.values) {
      error += (s - t) * (s - t)
      mean += s - t
      along += (s - t) * s
    }
    (mean, along) = (mean / count, along / count)
    // ∂ŝ/∂s removes the constant component and the one along ŝ, and divides by the deviation.
    let factor = Double(weight) / (Double(map.channels) * count * own.deviation)
    for (index, (s, t)) in zip(own.values, other.values).enumerated() {
      let place = own.place(index)
      map.gradient[place] += Float(factor * (s - t - mean - s * along))
    }
    return error / 2 / count
  }
}

/// The values of one channel with mean 0 and deviation 1.
private struct Standardized {
  private(set) var values: [Double] = []
  let deviation: Double
  private let cells: Int
  private let channels: Int
  private let channel: Int

  init(_ base: UnsafePointer<Float>, _ map: RawMap, channel: Int) {
    (cells, channels, self.channel) = (map.cells, map.channels, channel)
    values.reserveCapacity(map.images * cells)
    for image in 0..<map.images {
      let first = (image * map.channels + channel) * map.cells
      for cell in 0..<map.cells { values.append(Double(base[first + cell])) }
    }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    deviation = (variance + 1e-6).squareRoot()
    for index in values.indices { values[index] = (values[index] - mean) / deviation }
  }

  /// The index of a value in the map.
  func place(_ index: Int) -> Int {
    let (image, cell) = index.quotientAndRemainder(dividingBy: cells)
    return (image * channels + channel) * cells + cell
  }
}
