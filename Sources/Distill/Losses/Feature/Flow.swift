import Tensors
import Training

extension DistillationLoss {
  /// How features flow from one stride to the next: the inner products of channels of consecutive
  /// feature points.
  ///
  /// Let A `[N, C₁, H′, W′]` and B `[N, C₂, H, W]` be the maps of two points, with A max-pooled to
  /// H × W. Then `G_ij = 1/(H·W) Σ_cells A_i B_j`, and the loss is the mean of `(G_s − G_t)²` over
  /// images and entries, summed over pairs of points. The student's maps pass learned 1×1
  /// convolutions where channels differ.
  ///
  /// Reference: Yim et al., *A Gift from Knowledge Distillation: Fast Optimization, Network
  /// Minimization and Transfer Learning*, CVPR 2017. Deviations: the mean instead of the sum over
  /// entries; trained together with the other losses instead of in a first stage.
  public static let flow = DistillationLoss(
    name: "fsp", summary: "inner products of channels at consecutive strides",
    citation: "Yim et al., CVPR 2017", subject: .features, weight: 5,
    make: { try FlowTerm($0) })
}

private final class FlowTerm: DistillationTerm {
  private let bridges: [ChannelBridge]
  var learned: [LearnedPart] { bridges.compactMap(\.part) }

  init(_ context: DistillationContext) throws {
    bridges = try context.featurePoints(atLeast: 2).enumerated().map { index, point in
      try ChannelBridge(
        point, images: context.images, context: context, stream: UInt64(index))
    }
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    let maps = try zip(bridges, batch.pairs).map { try $0.align($1.student) }
    var total = 0.0
    for index in maps.indices.dropFirst() {
      let (fine, coarse) = (maps[index - 1], maps[index])
      let (a, b) = (batch.pairs[index - 1].teacher, batch.pairs[index].teacher)
      let factor = weight / Float(fine.images * fine.channels * coarse.channels)
      let parts = try batch.pool.map(fine.images) { image in
        Self.error(fine, coarse, a, b, image: image, factor: factor)
      }
      total += parts.reduce(0, +) / Double(fine.images * fine.channels * coarse.channels)
    }
    for (bridge, pair) in zip(bridges, batch.pairs) {
      try bridge.pull(into: pair.student, batch)
    }
    return Double(weight) * total
  }

  /// `Σ (G_s − G_t)²` of one image; adds its gradient times `factor`.
  private static func error(
    _ fine: RawMap, _ coarse: RawMap, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    image: Int, factor: Float
  ) -> Double {
    let (rows, columns) = (coarse.shape[2], coarse.shape[3])
    let own = WindowMaxima(fine.values, fine, image: image, rows: rows, columns: columns)
    let other = WindowMaxima(a, fine, image: image, rows: rows, columns: columns)
    let (cells, first) = (rows * columns, image * coarse.channels * rows * columns)
    var error = 0.0
    for i in 0..<fine.channels {
      for j in 0..<coarse.channels {
        var difference: Float = 0
        let place = first + j * cells
        for cell in 0..<cells {
          difference += own.values[i * cells + cell] * coarse.values[place + cell]
          difference -= other.values[i * cells + cell] * b[place + cell]
        }
        difference /= Float(cells)
        error += Double(difference * difference)
        let slope = 2 * factor * difference / Float(cells)
        for cell in 0..<cells {
          let window = i * cells + cell
          fine.gradient[own.places[window]] += slope * coarse.values[place + cell]
          coarse.gradient[place + cell] += slope * own.values[window]
        }
      }
    }
    return error
  }
}

/// The largest value of each window of an image's map, and its index.
private struct WindowMaxima {
  private(set) var values: [Float] = []
  private(set) var places: [Int] = []

  /// The range that a window covers, out of `count` windows along an axis.
  private static func window(_ index: Int, of count: Int, in extent: Int) -> Range<Int> {
    let first = index * extent / count
    return first..<max((index + 1) * extent / count, first + 1)
  }

  init(_ base: UnsafePointer<Float>, _ map: RawMap, image: Int, rows: Int, columns: Int) {
    let (height, width) = (map.shape[2], map.shape[3])
    for channel in 0..<map.channels {
      let first = (image * map.channels + channel) * height * width
      for row in 0..<rows {
        for column in 0..<columns {
          var best = first + row * height / rows * width + column * width / columns
          for y in Self.window(row, of: rows, in: height) {
            for x in Self.window(column, of: columns, in: width)
            where base[first + y * width + x] > base[best] { best = first + y * width + x }
          }
          values.append(base[best])
          places.append(best)
        }
      }
    }
  }
}
