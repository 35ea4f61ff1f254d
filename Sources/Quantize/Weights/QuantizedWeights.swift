import Foundation
import Tensors

/// Weights as 8-bit integers with their scales.
public struct QuantizedWeights: Sendable, Equatable {
  /// `Int8` of the weights' shape.
  public var integers: Tensor
  /// One scale, or one for each output channel.
  public var scales: [Float]

  /// Rounds weights to the nearest number of their grid.
  ///
  /// Scales are `max |w| / q` with q the scheme's largest integer; a scale is raised where the
  /// channel's bias would not fit 32 bits in units of it, and where the scheme avoids that sums of
  /// pairs of products saturate.
  ///
  /// - Parameters:
  ///   - axis: The axis that output channels run along.
  ///   - bias: The layer's bias by channel, or `nil`.
  ///   - inputScale: The scale of the layer's input.
  ///   - pairs: The pairs of products that may saturate; `nil` for none.
  ///   - roundsUp: Whether each weight goes to the next number above instead of the nearest; `nil`
  ///     for nearest.
  public init(
    _ weights: Tensor, axis: Int, scheme: QuantizationScheme, bias: [Float]?, inputScale: Float,
    pairs: ProductPairs? = nil, roundsUp: [Bool]? = nil
  ) {
    let values = weights.floats
    let axis = axis < 0 ? axis + weights.shape.count : axis
    let inner = weights.shape[(axis + 1)...].reduce(1, *)
    let channels = weights.shape[axis]
    var largest = [Float](repeating: 0, count: scheme.perChannel ? channels : 1)
    func place(_ index: Int) -> Int { scheme.perChannel ? index / inner % channels : 0 }
    for (index, value) in values.enumerated() where value.isFinite {
      largest[place(index)] = max(largest[place(index)], abs(value))
    }
    let limit = Float(scheme.weightGrid == .log2 ? Self.log2Limit(scheme) : scheme.weightLimit)
    let isPlain = !scheme.powerOfTwo
    let least = Self.leastScales(values, scheme, pairs, count: largest.count)
    let scales = largest.enumerated().map { index, largest -> Float in
      var scale = largest / limit
      let own =
        scheme.perChannel ? abs(bias?[index] ?? 0) : (bias ?? []).reduce(0) { max($0, abs($1)) }
      scale = max(scale, own / (inputScale * 1_000_000_000))
      scale = max(scale, least[index])
      if !scale.isNormal { scale = 1 }
      return isPlain ? scale : QuantizationScheme.nextPowerOfTwo(scale)
    }
    self.scales = scales
    let range = -Int32(scheme.weightLimit)...Int32(scheme.weightLimit)
    let integers = values.enumerated().map { index, value -> Int8 in
      let ratio = value / scales[place(index)]
      guard scheme.weightGrid == .uniform else {
        return Self.power(ratio, limit: Self.log2Limit(scheme))
      }
      if let roundsUp {
        let floor = max(-limit, min(limit, ratio.rounded(.down)))
        return Int8(max(-limit, min(limit, floor + (roundsUp[index] ? 1 : 0))))
      }
      return Int8(truncatingIfNeeded: QuantizationParameters.rounded(ratio, plus: 0, in: range))
    }
    self.integers = Tensor(integers, shape: weights.shape)
  }

  /// The scales from which no pair of products can saturate; 0 where none can anyway.
  ///
  /// Two weights that are rounded up gain less than two steps together.
  private static func leastScales(
    _ values: [Float], _ scheme: QuantizationScheme, _ pairs: ProductPairs?, count: Int
  ) -> [Float] {
    var scales = [Float](repeating: 0, count: count)
    guard let pairs, scheme.avoidsSaturation else { return scales }
    let room = Float(ProductPairs.limit(activations: scheme.activationRange.upperBound) - 2)
    let finite = values.map { $0.isFinite ? $0 : 0 }
    finite.withUnsafeBufferPointer { weights in
      for channel in 0..<pairs.channels {
        let place = count == 1 ? 0 : channel
        scales[place] = max(scales[place], pairs.largest(channel, of: weights) / room)
      }
    }
    return scales
  }

  /// The largest power of two of the log₂ grid: b bits hold a sign, zero and 2^(b − 1) − 1 powers,
  /// at most seven.
  static func log2Limit(_ scheme: QuantizationScheme) -> Int32 {
    let levels = min(7, (1 << (scheme.weightBits - 1)) - 1)
    return 1 << (levels - 1)
  }

  /// Zero or the power of two nearest on the logarithmic scale, up to the limit.
  private static func power(_ ratio: Float, limit: Int32) -> Int8 {
    let magnitude = abs(ratio)
    guard magnitude >= 0.5 else { return 0 }
    let exponent = max(0, min(log2(Float(limit)), log2(magnitude).rounded()))
    let value = Int8(exp2(exponent))
    return ratio < 0 ? -value : value
  }

  /// The weights that the integers stand for.
  public func floats(axis: Int) -> [Float] {
    let axis = axis < 0 ? axis + integers.shape.count : axis
    let inner = integers.shape[(axis + 1)...].reduce(1, *)
    return integers.elements(as: Int8.self).enumerated().map { index, whole in
      Float(whole) * scales[scales.count == 1 ? 0 : index / inner % integers.shape[axis]]
    }
  }
}
