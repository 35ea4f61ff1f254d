import CKernels

/// Where the sums of an integer convolution go, and as what.
public enum IntegerDestination: @unchecked Sendable {
  /// As they are: `[N, O, H′, W′]`.
  case sums(UnsafeMutablePointer<Int32>)
  /// As 8-bit integers of another scale.
  case quantized(UnsafeMutablePointer<UInt8>, Requantization)
  /// As floats, `scale × sum + bias`.
  case floats(UnsafeMutablePointer<Float>, Dequantization)

  /// Stores `count` finished sums of an output channel from element `index` on.
  public func store(_ sums: UnsafePointer<Int32>, channel: Int, at index: Int, count: Int) {
    let kernels = InstructionSet.best.integerKernels
    IntegerFinish(kernels: kernels, channel: channel, offset: 0, factor: 0)
      .store(sums, inputSums: nil, to: self, at: index, count: count)
  }

  func advanced(by count: Int) -> IntegerDestination {
    switch self {
    case .sums(let base): .sums(base + count)
    case .quantized(let base, let map): .quantized(base + count, map)
    case .floats(let base, let map): .floats(base + count, map)
    }
  }
}

/// What each of the 256 bytes becomes, laid out as kernels read it.
public struct ByteLookup: @unchecked Sendable {
  /// The memory that one takes.
  public static let bytes = Int(CK_INT8_TABLE)
  let table: UnsafePointer<UInt8>

  /// Lays a table out.
  ///
  /// - Parameters:
  ///   - entries: 256 bytes.
  ///   - memory: ``bytes``, which the caller keeps.
  public init(_ entries: UnsafeRawPointer, in memory: UnsafeMutableRawPointer) {
    let table = memory.assumingMemoryBound(to: UInt8.self)
    ck_int8_prepare_table(entries.assumingMemoryBound(to: UInt8.self), table)
    self.table = UnsafePointer(table)
  }
}

/// How sums become 8-bit integers: `round(scale × (sum + bias)) + zeroPoint`, ties to even, kept
/// within the type's range.
public struct Requantization: @unchecked Sendable {
  /// One for all output channels or one each.
  public var scales: UnsafeBufferPointer<Float>
  /// One for each output channel, or `nil` for zero.
  public var bias: UnsafePointer<Int32>?
  /// The result's zero point.
  public var zeroPoint: Int32
  /// Whether the result is `Int8`, not `UInt8`.
  public var isSigned: Bool
  /// What each byte becomes in the end, or `nil` for itself.
  public var lookup: ByteLookup?

  /// A requantization of the given numbers, whose memory the caller keeps.
  public init(
    scales: UnsafeBufferPointer<Float>, bias: UnsafePointer<Int32>?, zeroPoint: Int32,
    isSigned: Bool, lookup: ByteLookup? = nil
  ) {
    self.scales = scales
    self.bias = bias
    self.zeroPoint = zeroPoint
    self.isSigned = isSigned
    self.lookup = lookup
  }
}

/// How sums become floats: `scale × sum + bias`.
public struct Dequantization: @unchecked Sendable {
  /// One for all output channels or one each.
  public var scales: UnsafeBufferPointer<Float>
  /// One for each output channel, or `nil` for zero.
  public var bias: UnsafePointer<Float>?

  /// A dequantization of the given numbers, whose memory the caller keeps.
  public init(scales: UnsafeBufferPointer<Float>, bias: UnsafePointer<Float>?) {
    self.scales = scales
    self.bias = bias
  }
}

/// The correction of one output channel's sums on their way out.
struct IntegerFinish {
  var kernels: UnsafePointer<ck_int8_kernels>
  var channel: Int
  /// What is added to each sum.
  var offset: Int32
  /// What the inputs' sums are multiplied with before they are subtracted.
  var factor: Int32

  /// Stores `count` sums from the destination's element `index` on.
  @inline(__always)
  func store(
    _ sums: UnsafePointer<Int32>, inputSums: UnsafePointer<Int32>?,
    to destination: IntegerDestination, at index: Int, count: Int
  ) {
    switch destination {
    case .sums(let base):
      kernels.pointee.toInt32(sums, inputSums, offset, factor, base + index, count)
    case .quantized(let base, let map):
      kernels.pointee.toInt8(
        sums, inputSums, offset &+ (map.bias?[channel] ?? 0), factor,
        map.scales[map.scales.count == 1 ? 0 : channel], map.zeroPoint, map.isSigned ? 1 : 0,
        base + index, count)
      if let lookup = map.lookup {
        kernels.pointee.table(base + index, lookup.table, base + index, count)
      }
    case .floats(let base, let map):
      kernels.pointee.toFloat(
        sums, inputSums, offset, factor, map.scales[map.scales.count == 1 ? 0 : channel],
        map.bias?[channel] ?? 0, base + index, count)
    }
  }
}
