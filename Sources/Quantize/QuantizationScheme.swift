import Tensors

/// How floats become integers: bits, symmetry, and what scales may be.
public struct QuantizationScheme: Codable, Sendable, Equatable {
  /// Bits of weights, 2 … 8; fewer than 8 use the middle of the 8-bit range.
  public var weightBits = 8
  /// Bits of activations, 2 … 8.
  public var activationBits = 8
  /// Whether each output channel of a weight has a scale of its own.
  public var perChannel = true
  /// Whether activations are mapped so that 0 lies in the middle of the range.
  public var symmetricActivations = false
  /// Whether scales are powers of two.
  public var powerOfTwo = false
  /// Which grid weights are rounded to.
  public var weightGrid = WeightGrid.uniform
  /// Whether weights lose one bit, so that pairs of products of CPUs without VNNI do not saturate
  /// 16 bits.
  public var reduceRange = false
  /// Whether channels of weights get scales so coarse that no pair of their products can leave 16
  /// bits, see ``ProductPairs``; channels that cannot keep all their bits.
  public var avoidsSaturation = false

  /// The grids of weights.
  public enum WeightGrid: String, Codable, Sendable, CaseIterable {
    /// Whole multiples of the scale.
    case uniform
    /// Zero and ± powers of two times the scale, the largest of them 2^(levels − 1), at most 2⁶.
    case log2
  }

  /// 8 bits, weights by channel, activations by tensor and asymmetric.
  public init() {}

  private enum CodingKeys: String, CodingKey {
    case weightBits, activationBits, perChannel, symmetricActivations, powerOfTwo, weightGrid
    case reduceRange, avoidsSaturation
  }

  /// Reads a scheme whose bits are those that can be.
  ///
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func bits(_ key: CodingKeys) throws -> Int {
      let bits = try values.decode(Int.self, forKey: key)
      guard (2...8).contains(bits) else {
        throw DecodingError.typeMismatch(
          Int.self,
          .init(
            codingPath: values.codingPath + [key],
            debugDescription: "must lie between 2 and 8, found \(bits)"))
      }
      return bits
    }
    weightBits = try bits(.weightBits)
    activationBits = try bits(.activationBits)
    perChannel = try values.decode(Bool.self, forKey: .perChannel)
    symmetricActivations = try values.decode(Bool.self, forKey: .symmetricActivations)
    powerOfTwo = try values.decode(Bool.self, forKey: .powerOfTwo)
    weightGrid = try values.decode(WeightGrid.self, forKey: .weightGrid)
    reduceRange = try values.decode(Bool.self, forKey: .reduceRange)
    avoidsSaturation = try values.decodeIfPresent(Bool.self, forKey: .avoidsSaturation) ?? false
  }

  /// The largest integer of a weight.
  public var weightLimit: Int32 {
    let bits = reduceRange ? min(weightBits, 7) : weightBits
    return (1 << (bits - 1)) - 1
  }

  /// The integers that an activation becomes.
  public var activationRange: ClosedRange<Int32> { 0...(1 << activationBits) - 1 }

  /// Whether a pair of products, an activation times a weight each, may leave 16 bits.
  public var maySaturate: Bool {
    !avoidsSaturation && 2 * weightLimit * activationRange.upperBound > Int32(Int16.max)
  }

  /// Scale and zero point of an activation that lies in a range.
  ///
  /// The range is widened to contain 0. With symmetry it is widened to `±max(|lowest|, |highest|)`
  /// unless it has no negative part; with powers of two the scale is rounded up.
  public func activation(_ range: ClosedRange<Float>) -> QuantizationParameters {
    var (lowest, highest) = (min(range.lowerBound, 0), max(range.upperBound, 0))
    if symmetricActivations, lowest < 0 {
      highest = max(-lowest, highest)
      lowest = -highest
    }
    var parameters = QuantizationParameters(lowest: lowest, highest: highest, in: activationRange)
    guard powerOfTwo, lowest < highest else { return parameters }
    parameters.scale = Self.nextPowerOfTwo(parameters.scale)
    let zero = (-lowest / parameters.scale).rounded(.up)
    // A range too small for its scale to be a number has its zero point at an end.
    parameters.zeroPoint =
      zero < Float(activationRange.upperBound)
      ? Int32(zero) : activationRange.upperBound
    return parameters
  }

  /// The least power of two that is not below a positive number.
  static func nextPowerOfTwo(_ value: Float) -> Float {
    guard value.isNormal else { return value }
    let power = Float(sign: .plus, exponent: value.exponent, significand: 1)
    return power < value ? 2 * power : power
  }
}
