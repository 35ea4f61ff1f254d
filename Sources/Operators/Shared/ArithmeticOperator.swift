import GraphIR
import Tensors

/// An operator that combines two numbers of one type into a third, operands broadcast to one shape.
///
/// With more than two inputs the result so far meets the next input.
protocol ArithmeticOperator: PreparedOperator, ElementwiseOperator, ChannelOperator {
  /// How many inputs a node may have.
  static var inputCounts: ClosedRange<Int> { get }
  /// The element types that are calculated with.
  static var elementTypes: [ElementType] { get }
  /// Whether zero is refused as the second of two integers.
  static var refusesZeroDivisor: Bool { get }

  /// The combination of two integers, what overflows cut off; asked for only when
  /// ``elementTypes`` has whole types.
  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number
  /// The combination of two floats; asked for only when ``elementTypes`` has float types.
  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number
  /// The combination of eight pairs of floats.
  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float>
  /// What is done to the result of all `count` inputs.
  func finish(_ result: TensorView, count: Int, pool: ThreadPool)
}

extension ArithmeticOperator {
  static var inputCounts: ClosedRange<Int> { 2...2 }
  static var elementTypes: [ElementType] { ElementType.numbers }
  static var refusesZeroDivisor: Bool { false }

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number { a }

  func float<Number: WideFloat>(_ a: Number, _ b: Number) -> Number { a }

  func finish(_ result: TensorView, count: Int, pool: ThreadPool) {}

  func lanes(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
    var result = SIMD8<Float>()
    for lane in 0..<8 { result[lane] = float(a[lane], b[lane]) }
    return result
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inferArithmeticTypes(inputs)
  }

  /// The common element type under the broadcast shape.
  func inferArithmeticTypes(_ inputs: [Operand?]) throws -> [TensorType] {
    try inputs.checkCount(Self.inputCounts)
    let first = try inputs.required(0)
    try first.check(0, holdsOneOf: Self.elementTypes)
    let shapes = try inputs.indices.map { index in
      let operand = try inputs.required(index)
      try operand.check(index, holds: first.elementType)
      return operand.shape
    }
    return [try TensorType(checking: first.elementType, try Broadcasting.shape(shapes))]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let output = site.outputs[0].shape
    let shapes = try site.inputs.indices.map { try site.inputs.required($0).shape }
    guard shapes.count > 1 else {
      return Kernel(algorithm: "") { call in
        let (x, y) = (try call.input(0), call.outputs[0])
        if x.base != y.base { y.bytes.copyMemory(from: UnsafeRawBufferPointer(x.bytes)) }
      }
    }
    let first = BroadcastLoop(output: output, shapes[0], shapes[1])
    let others = shapes.dropFirst(2).map { BroadcastLoop(output: output, output, $0) }
    return Kernel(algorithm: "") { call in
      let y = call.outputs[0]
      try combine(try call.input(0), try call.input(1), y, first, call.pool)
      for (index, loop) in others.enumerated() {
        try combine(y, try call.input(index + 2), y, loop, call.pool)
      }
      finish(y, count: shapes.count, pool: call.pool)
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0, 1]) }

  private func combine(
    _ a: TensorView, _ b: TensorView, _ y: TensorView, _ loop: BroadcastLoop, _ pool: ThreadPool
  ) throws {
    try y.elementType.dispatch(
      ArithmeticWork(rules: self, a: a, b: b, y: y, loop: loop, pool: pool))
  }
}

/// The loop of an ``ArithmeticOperator`` for each type of number.
private struct ArithmeticWork<Rules: ArithmeticOperator>: NumberWork {
  let rules: Rules
  let a: TensorView
  let b: TensorView
  let y: TensorView
  let loop: BroadcastLoop
  let pool: ThreadPool

  func whole<Element: WholeElement>(_: Element.Type) throws {
    let (a, b, y) = (words(a, Element.self), words(b, Element.self), words(y, Element.self))
    if Rules.refusesZeroDivisor {
      for index in 0..<self.b.count where b[index] == 0 {
        throw OperatorError.unsupported("division of whole numbers by zero")
      }
    }
    let steps = loop.steps
    loop.forEachRow(pool: pool) { row in
      for index in 0..<row.count {
        y[row.output + index] = rules.whole(
          a[row.a + index * steps.a], b[row.b + index * steps.b])
      }
    }
  }

  func float<Element: FloatElement>(_: Element.Type) {
    if Element.self == Float.self { return floats() }
    let (a, b, y) = (words(a, Element.self), words(b, Element.self), words(y, Element.self))
    let steps = loop.steps
    loop.forEachRow(pool: pool) { row in
      for index in 0..<row.count {
        y[row.output + index] = Element(
          wide: rules.float(a[row.a + index * steps.a].wide, b[row.b + index * steps.b].wide))
      }
    }
  }

  private func floats() {
    let (a, b, y) = (words(a, Float.self), words(b, Float.self), words(y, Float.self))
    let steps = loop.steps
    loop.forEachRow(pool: pool) { row in
      let (a, b, y) = (a + row.a, b + row.b, y + row.output)
      switch steps {
      case (1, 1, _): both(a, b, y, row.count)
      case (1, 0, _): left(a, b[0], y, row.count)
      case (0, 1, _): right(a[0], b, y, row.count)
      default:
        let value = rules.float(a[0], b[0])
        for index in 0..<row.count { y[index] = value }
      }
    }
  }

  private func words<Element>(_ view: TensorView, _: Element.Type) -> UnsafeMutablePointer<Element>
  { view.base.assumingMemoryBound(to: Element.self) }

  private typealias Floats = UnsafeMutablePointer<Float>

  /// Eight neighbours at a time, so that the result may overwrite an operand.
  @inline(__always)
  private func both(_ a: Floats, _ b: Floats, _ y: Floats, _ count: Int) {
    var index = 0
    while index + 8 <= count {
      store(rules.lanes(load(a + index), load(b + index)), y + index)
      index += 8
    }
    for rest in index..<count { y[rest] = rules.float(a[rest], b[rest]) }
  }

  @inline(__always)
  private func left(_ a: Floats, _ b: Float, _ y: Floats, _ count: Int) {
    let all = SIMD8<Float>(repeating: b)
    var index = 0
    while index + 8 <= count {
      store(rules.lanes(load(a + index), all), y + index)
      index += 8
    }
    for rest in index..<count { y[rest] = rules.float(a[rest], b) }
  }

  @inline(__always)
  private func right(_ a: Float, _ b: Floats, _ y: Floats, _ count: Int) {
    let all = SIMD8<Float>(repeating: a)
    var index = 0
    while index + 8 <= count {
      store(rules.lanes(all, load(b + index)), y + index)
      index += 8
    }
    for rest in index..<count { y[rest] = rules.float(a, b[rest]) }
  }

  @inline(__always)
  private func load(_ pointer: Floats) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  }

  @inline(__always)
  private func store(_ value: SIMD8<Float>, _ pointer: Floats) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: SIMD8<Float>.self)
  }
}

extension ArithmeticOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
