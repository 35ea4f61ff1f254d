import GraphIR
import Tensors

extension Operand {
  /// The integers of a constant int32 or int64 operand; `nil` when the operand is not
  /// constant.
  ///
  /// - Throws: `OperatorError` when it holds other elements or has more than one axis.
  func constantIntegers(_ input: Int) throws -> [Int]? {
    try check(input, holdsOneOf: ElementType.indices)
    try check(input, rank: 0...1)
    return constant?.integers
  }

  /// The one integer of a constant operand; `nil` when the operand is not constant.
  func constantInteger(_ input: Int) throws -> Int? {
    try check(input, holdsOneOf: ElementType.indices)
    guard type.count == 1 else {
      throw OperatorError.shape(input: input, found: shape, reason: "is not one number")
    }
    return constant?.integers.first
  }

  /// Refuses element types the operator does not compute with.
  func check(_ input: Int, holdsOneOf types: [ElementType]) throws {
    guard types.contains(elementType) else {
      throw OperatorError.elementType(
        input: input, expected: types.map(\.rawValue).joined(separator: " or "),
        found: elementType)
    }
  }

  /// Refuses elements without an address of their own: strings and packed 4-bit numbers.
  func checkMovable(_ input: Int) throws {
    try check(input, holdsOneOf: ElementType.movable)
  }

  /// The bytes of one element.
  var elementBytes: Int { elementType.byteCount(of: 1) }
}

extension TensorType {
  /// The bytes of one element.
  var elementBytes: Int { elementType.byteCount(of: 1) }
}

extension [Int] {
  /// The axes these numbers name, each once, counted from the front.
  ///
  /// - Throws: `OperatorError.unsupported` when an axis does not exist or is named twice.
  func axes(ofRank rank: Int) throws -> [Int] {
    let axes = try map { try $0.axis(ofRank: rank) }
    guard Set(axes).count == axes.count else {
      throw OperatorError.unsupported("axes \(self), which name one axis twice")
    }
    return axes
  }
}

extension OperatorCall {
  /// An input that must be there.
  ///
  /// - Throws: `OperatorError.inputCount` when it is missing.
  func input(_ index: Int) throws -> TensorView {
    guard let view = optionalInput(index) else {
      throw OperatorError.inputCount(expected: "at least \(index + 1)", found: inputs.count)
    }
    return view
  }

  /// An input that may be left out.
  func optionalInput(_ index: Int) -> TensorView? {
    inputs.indices.contains(index) ? inputs[index] : nil
  }
}

extension TensorView {
  /// The integer at a place of an int32 or int64 view.
  @inline(__always)
  func integer(at index: Int) -> Int {
    elementType == .int32
      ? Int(base.loadUnaligned(fromByteOffset: index &* 4, as: Int32.self))
      : base.loadUnaligned(fromByteOffset: index &* 8, as: Int.self)
  }

  /// The elements as unsigned words of their width, whatever they stand for.
  func words<Word: BitwiseCopyable>(as: Word.Type) -> UnsafeMutablePointer<Word> {
    base.assumingMemoryBound(to: Word.self)
  }
}
