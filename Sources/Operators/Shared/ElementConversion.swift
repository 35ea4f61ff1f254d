import GraphIR
import Tensors

/// The conversion of whole tensors from one element type to another.
///
/// Elements pass, a few at a time, through the widest type of their kind: floats through float64,
/// integers through int64 or uint64.
enum ElementConversion {
  /// The types that can be converted.
  static let types: [ElementType] =
    ElementType.numbers + [
      .bool, .int4, .uint4, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz,
    ]
  private static let chunk = 256

  /// Refuses types that cannot be converted.
  static func check(_ input: Int, _ source: ElementType, _ target: ElementType) throws {
    guard source != target || source.bitWidth == 0 else { return }
    guard types.contains(source), types.contains(target) else {
      throw OperatorError.unsupported(
        "conversion from \(source.rawValue) to \(target.rawValue)")
    }
  }

  /// Converts all elements.
  ///
  /// - Parameter saturates: Whether what is too large for a float8 becomes its largest number.
  static func run(_ x: TensorView, _ y: TensorView, saturates: Bool = true, pool: ThreadPool) {
    guard x.elementType != y.elementType else {
      if x.base != y.base { y.bytes.copyMemory(from: UnsafeRawBufferPointer(x.bytes)) }
      return
    }
    ElementLoop.forEachPart(x.count, pool: pool) { part in
      switch x.elementType {
      case .float16 where y.elementType == .float32, .bfloat16 where y.elementType == .float32:
        HalfConversion.widen(
          x.words(as: UInt16.self) + part.lowerBound, of: x.elementType,
          to: y.words(as: Float.self) + part.lowerBound, count: part.count)
      case .float32 where y.elementType.isHalf:
        HalfConversion.narrow(
          x.words(as: Float.self) + part.lowerBound,
          to: y.words(as: UInt16.self) + part.lowerBound, of: y.elementType, count: part.count)
      case .uint64: run(UInt64.self, x, y, part, saturates)
      case let type where type.isFloatingPoint: run(Double.self, x, y, part, saturates)
      default: run(Int64.self, x, y, part, saturates)
      }
    }
  }

  private static func run<Wide: WideNumber>(
    _: Wide.Type, _ x: TensorView, _ y: TensorView, _ part: Range<Int>, _ saturates: Bool
  ) {
    withUnsafeTemporaryAllocation(of: Wide.self, capacity: chunk) { wide in
      guard let wide = wide.baseAddress else { return }
      for start in stride(from: part.lowerBound, to: part.upperBound, by: chunk) {
        let count = min(chunk, part.upperBound - start)
        read(x, start, count, wide)
        write(wide, y, start, count, saturates)
      }
    }
  }

  private static func read<Wide: WideNumber>(
    _ x: TensorView, _ start: Int, _ count: Int, _ wide: UnsafeMutablePointer<Wide>
  ) {
    func float<Element: FloatElement>(_: Element.Type) {
      let source = x.words(as: Element.self) + start
      for index in 0..<count { wide[index] = Wide(real: source[index].wide.double) }
    }
    func whole<Element: WholeElement>(_: Element.Type) {
      let source = x.words(as: Element.self) + start
      for index in 0..<count { wide[index] = Wide(whole: source[index]) }
    }
    switch x.elementType {
    case .float32: float(Float.self)
    case .float64: float(Double.self)
    case .float16: float(Float16.self)
    case .bfloat16: float(BFloat16.self)
    case .int8: whole(Int8.self)
    case .int16: whole(Int16.self)
    case .int32: whole(Int32.self)
    case .int64: whole(Int64.self)
    case .uint8: whole(UInt8.self)
    case .uint16: whole(UInt16.self)
    case .uint32: whole(UInt32.self)
    case .uint64: whole(UInt64.self)
    case .int4, .uint4:
      let bytes = x.words(as: UInt8.self)
      for index in 0..<count {
        let place = start + index
        let nibble = (bytes[place / 2] >> (place % 2 == 0 ? 0 : 4)) & 0xf
        wide[index] = Wide(
          whole: x.elementType == .int4 && nibble > 7 ? Int8(nibble) - 16 : Int8(nibble))
      }
    default:
      let source = x.words(as: UInt8.self) + start
      if let format = Float8Format.of(x.elementType) {
        for index in 0..<count { wide[index] = Wide(real: format.value(source[index])) }
      } else {
        for index in 0..<count { wide[index] = Wide(whole: source[index] == 0 ? 0 : 1) }
      }
    }
  }

  private static func write<Wide: WideNumber>(
    _ wide: UnsafeMutablePointer<Wide>, _ y: TensorView, _ start: Int, _ count: Int,
    _ saturates: Bool
  ) {
    func float<Element: FloatElement>(_: Element.Type) {
      let target = y.words(as: Element.self) + start
      for index in 0..<count { target[index] = Element(wide: wide[index].float()) }
    }
    func whole<Element: WholeElement>(_: Element.Type) {
      let target = y.words(as: Element.self) + start
      for index in 0..<count { target[index] = wide[index].whole() }
    }
    switch y.elementType {
    case .float32: float(Float.self)
    case .float64: float(Double.self)
    case .float16: float(Float16.self)
    case .bfloat16: float(BFloat16.self)
    case .int8: whole(Int8.self)
    case .int16: whole(Int16.self)
    case .int32: whole(Int32.self)
    case .int64: whole(Int64.self)
    case .uint8: whole(UInt8.self)
    case .uint16: whole(UInt16.self)
    case .uint32: whole(UInt32.self)
    case .uint64: whole(UInt64.self)
    case .int4, .uint4:
      let bytes = y.words(as: UInt8.self)
      for index in 0..<count {
        let place = start + index
        let nibble: UInt8 = wide[index].whole() & 0xf
        bytes[place / 2] = place % 2 == 0 ? nibble : bytes[place / 2] | nibble << 4
      }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
      guard let format = Float8Format.of(y.elementType) else { return }
      let target = y.words(as: UInt8.self) + start
      for index in 0..<count {
        target[index] = format.code(wide[index].float(), saturates: saturates)
      }
    default:
      let target = y.words(as: Bool.self) + start
      for index in 0..<count { target[index] = wide[index] != 0 }
    }
  }
}

/// A type that all numbers of one kind fit into.
private protocol WideNumber: BitwiseCopyable, Equatable, ExpressibleByIntegerLiteral {
  init(real: Double)
  init(whole: some FixedWidthInteger)
  func float<Number: WideFloat>() -> Number
  func whole<Number: FixedWidthInteger>() -> Number
}

extension Double: WideNumber {
  fileprivate init(real: Double) { self = real }
  fileprivate init(whole: some FixedWidthInteger) { self = Double(whole) }
  fileprivate func float<Number: WideFloat>() -> Number { Number(self) }
  fileprivate func whole<Number: FixedWidthInteger>() -> Number { NumberConversion.whole(self) }
}
extension Int64: WideNumber {
  fileprivate init(real: Double) { self = NumberConversion.whole(real) }
  fileprivate init(whole: some FixedWidthInteger) { self.init(truncatingIfNeeded: whole) }
  fileprivate func float<Number: WideFloat>() -> Number { Number(self) }
  fileprivate func whole<Number: FixedWidthInteger>() -> Number { Number(truncatingIfNeeded: self) }
}
extension UInt64: WideNumber {
  fileprivate init(real: Double) { self = NumberConversion.whole(real) }
  fileprivate init(whole: some FixedWidthInteger) { self.init(truncatingIfNeeded: whole) }
  fileprivate func float<Number: WideFloat>() -> Number { Number(self) }
  fileprivate func whole<Number: FixedWidthInteger>() -> Number { Number(truncatingIfNeeded: self) }
}
