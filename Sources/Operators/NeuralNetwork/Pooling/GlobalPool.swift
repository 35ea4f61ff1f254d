import GraphIR
import Tensors

/// What the global pools have in common.
enum GlobalPool {
  /// The input's type with spatial extents of 1.
  static func outputType(_ inputs: [Operand?]) throws -> TensorType {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 3...8)
    guard !x.shape[2...].contains(0) else {
      throw OperatorError.shape(input: 0, found: x.shape, reason: "has empty planes")
    }
    return TensorType(x.elementType, x.shape[..<2] + x.shape[2...].map { _ in 1 })
  }

  /// Combines each channel's elements in eight lanes, then the lanes and the channel's count.
  @inline(__always)
  static func reduce<Element: TensorElement & SIMDScalar>(
    _ call: OperatorCall, _: Element.Type, start: Element,
    _ combine: (SIMD8<Element>, SIMD8<Element>) -> SIMD8<Element>,
    finish: (SIMD8<Element>, Int) -> Element
  ) {
    guard let x = call.inputs[0] else { return }
    let source = UnsafeRawPointer(x.base)
    let y = call.outputs[0].elements(as: Element.self)
    let run = x.shape[2...].product
    call.pool.forEach(y.count) { row in
      let first = source + row * run * MemoryLayout<Element>.stride
      var lanes = SIMD8<Element>(repeating: start)
      var index = 0
      while index + 8 <= run {
        let next = first + index * MemoryLayout<Element>.stride
        lanes = combine(lanes, next.loadUnaligned(as: SIMD8<Element>.self))
        index += 8
      }
      var rest = SIMD8<Element>(repeating: start)
      for lane in 0..<run - index {
        rest[lane] = first.load(
          fromByteOffset: (index + lane) * MemoryLayout<Element>.stride, as: Element.self)
      }
      y[row] = finish(combine(lanes, rest), run)
    }
  }
}
