/// The energy for one image, estimated from counts of operations and bytes.
///
/// Nothing is measured.
///
/// The energies are those of a 45 nm process at 0.9 V.
///
/// Reference: Horowitz, *Computing's Energy Problem (and what we can do about it)*, ISSCC 2014,
/// figure 1.1.9. How often bytes are moved is our own assumption, see ``assumption``.
public struct EnergyEstimate: Codable, Sendable, Equatable {
  /// The type of the factors.
  public enum Width: String, Codable, Sendable, CaseIterable {
    case float32, float16, int8

    /// The picojoules of a multiplication and the addition of its product; products of bytes are
    /// added in 32 bits.
    public var picojoulesPerMAC: Double {
      switch self {
      case .float32: 3.7 + 0.9
      case .float16: 1.1 + 0.4
      case .int8: 0.2 + 0.1
      }
    }
  }

  /// Energy of the multiply–accumulates, in millijoules.
  public var computeMillijoules: Double
  /// Energy of moving weights and activations, in millijoules.
  public var memoryMillijoules: Double
  /// Both together.
  public var millijoules: Double { computeMillijoules + memoryMillijoules }

  /// Picojoules of reading a bit from DRAM: the lower end of the table's 1.3 to 2.6 nJ for 64 bits.
  static let dramPicojoulesPerBit = 1300.0 / 64
  /// Picojoules of reading or writing a bit of a cache of 1 MB: 100 pJ for 64 bits.
  static let cachePicojoulesPerBit = 100.0 / 64

  /// The estimate for given counts.
  ///
  /// - Parameters:
  ///   - macs: Multiply–accumulates by the width of their factors.
  ///   - weightBits: Bits of stored weights, each read once.
  ///   - activationBytes: Bytes of all activations, each written once and read once.
  public init(macs: [Width: Int], weightBits: Int, activationBytes: Int) {
    let compute = Width.allCases.reduce(0.0) {
      $0 + Double(macs[$1] ?? 0) * $1.picojoulesPerMAC
    }
    let memory =
      Double(weightBits) * Self.dramPicojoulesPerBit
      + Double(activationBytes) * 8 * 2 * Self.cachePicojoulesPerBit
    (computeMillijoules, memoryMillijoules) = (compute / 1e9, memory / 1e9)
  }

  /// The assumptions of the estimate, as a sentence.
  public static let assumption =
    "Energy is an estimate from Horowitz's table (ISSCC 2014, 45 nm): a MAC takes 4.6 pJ in float32, 1.5 pJ in float16 and "
    + "0.3 pJ in int8; weights are read once from DRAM at 1.3 nJ for 64 bits, activations written and read once in a cache of "
    + "1 MB at 100 pJ for 64 bits, those of integer layers as bytes."

  enum CodingKeys: String, CodingKey { case computeMillijoules, memoryMillijoules }
}
