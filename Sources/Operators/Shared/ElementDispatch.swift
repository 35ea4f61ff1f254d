import Tensors

/// A real type that elements are calculated in: `Float` or `Double`.
protocol WideFloat: BinaryFloatingPoint, Sendable {
  init(_ value: Double)
  var double: Double { get }
}

extension Float: WideFloat {
  var double: Double { Double(self) }
}
extension Double: WideFloat {
  var double: Double { self }
}

/// An element that is a float.
protocol FloatElement: TensorElement {
  /// The type it is calculated in.
  associatedtype Wide: WideFloat
  init(wide: Wide)
  var wide: Wide { get }
}

extension Float: FloatElement {
  init(wide: Float) { self = wide }
  var wide: Float { self }
}
extension Double: FloatElement {
  init(wide: Double) { self = wide }
  var wide: Double { self }
}
extension Float16: FloatElement {
  init(wide: Float) { self.init(wide) }
  var wide: Float { Float(self) }
}
extension BFloat16: FloatElement {
  init(wide: Float) { self.init(wide) }
  var wide: Float { float }
}

/// An element that is an integer.
typealias WholeElement = TensorElement & FixedWidthInteger

/// A piece of work that is written once for all whole and once for all real elements.
protocol NumberWork {
  associatedtype Outcome
  func whole<Element: WholeElement>(_: Element.Type) throws -> Outcome
  func float<Element: FloatElement>(_: Element.Type) throws -> Outcome
}

extension ElementType {
  /// The types of numbers of at least 8 bits.
  static let numbers: [ElementType] = [
    .float32, .float64, .float16, .bfloat16, .int8, .int16, .int32, .int64, .uint8, .uint16,
    .uint32, .uint64,
  ]
  /// The types of floats that are calculated with.
  static let floatingPoint: [ElementType] = [.float32, .float64, .float16, .bfloat16]
  /// The types of integers of at least 8 bits.
  static let wholes: [ElementType] = [
    .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64,
  ]
  /// The types of indices.
  static let indices: [ElementType] = [.int64, .int32]
  /// The types whose elements have an address of their own.
  static let movable: [ElementType] = allCases.filter { $0.bitWidth >= 8 }

  /// Does the work for this type of number.
  ///
  /// - Throws: What the work throws; `OperatorError.unsupported` when this is not one of
  ///   ``numbers``.
  func dispatch<Work: NumberWork>(_ work: Work) throws -> Work.Outcome {
    switch self {
    case .float32: try work.float(Float.self)
    case .float64: try work.float(Double.self)
    case .float16: try work.float(Float16.self)
    case .bfloat16: try work.float(BFloat16.self)
    case .int8: try work.whole(Int8.self)
    case .int16: try work.whole(Int16.self)
    case .int32: try work.whole(Int32.self)
    case .int64: try work.whole(Int64.self)
    case .uint8: try work.whole(UInt8.self)
    case .uint16: try work.whole(UInt16.self)
    case .uint32: try work.whole(UInt32.self)
    case .uint64: try work.whole(UInt64.self)
    default: throw OperatorErrors.calculation(self)
    }
  }
}
