import GraphIR
import Tensors

/// An operator that folds the elements along some axes into one number.
///
/// Floats are folded in float64, integers in int64, always in the same order.
protocol ReductionOperator: PreparedOperator, ChannelOperator {
  /// Which axes are folded and whether they stay with extent 1.
  var axes: ReductionAxes { get }

  /// Whether truth values are folded too, as 0 and 1.
  static var foldsTruthValues: Bool { get }

  /// What a fold of floats starts with.
  var realStart: Double { get }
  /// What a fold of integers starts with; `nil` when they are folded as floats.
  var wholeStart: Int64? { get }

  /// A real fold with one more element.
  func float(_ fold: Double, adding x: Double) -> Double
  /// Two real folds as one.
  func float(_ fold: Double, joining other: Double) -> Double
  /// The result of a real fold of `count` elements.
  func float(_ fold: Double, finishing count: Int) -> Double
  /// A whole fold with one more element.
  func whole(_ fold: Int64, adding x: Int64) -> Int64
  /// The result of a whole fold of `count` elements.
  func whole(_ fold: Int64, finishing count: Int) -> Int64
}

extension ReductionOperator {
  static var foldsTruthValues: Bool { false }

  var realStart: Double { 0 }
  var wholeStart: Int64? { 0 }

  func float(_ fold: Double, joining other: Double) -> Double { fold + other }
  func float(_ fold: Double, finishing count: Int) -> Double { fold }
  func whole(_ fold: Int64, adding x: Int64) -> Int64 { fold &+ x }
  func whole(_ fold: Int64, finishing count: Int) -> Int64 { fold }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...(axes.areInput ? 2 : 1))
    let x = try inputs.required(0)
    let types = ElementType.numbers.filter { $0 != .uint64 }
    try x.check(0, holdsOneOf: Self.foldsTruthValues ? types + [.bool] : types)
    guard let folded = try axes.folded(inputs) else { return nil }
    return [TensorType(x.elementType, axes.shape(x.shape, folded))]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let x = try site.inputs.required(0)
    guard let folded = try axes.folded(site.inputs) else { throw OperatorErrors.dynamicTypes }
    let loop = ReductionLoop(x.shape, folded: folded)
    let type = x.elementType == .bool ? .uint8 : x.elementType
    return Kernel(algorithm: "") { call in
      let y = call.outputs[0]
      try type.dispatch(
        ReductionWork(rules: self, loop: loop, x: try call.input(0), y: y, pool: call.pool))
      guard y.elementType == .bool else { return }
      let bytes = y.words(as: UInt8.self)
      for index in 0..<y.count { bytes[index] = min(bytes[index], 1) }
    }
  }
}

/// The loops of a ``ReductionOperator`` for each type of number.
private struct ReductionWork<Rules: ReductionOperator>: NumberWork {
  /// The folds that go side by side.
  private static var block: Int { 64 }

  let rules: Rules
  let loop: ReductionLoop
  let x: TensorView
  let y: TensorView
  let pool: ThreadPool

  func float<Element: FloatElement>(_: Element.Type) {
    let y = y.words(as: Element.self)
    numbers(Element.self, read: { $0.wide.double }, write: { y[$0] = Element(wide: .init($1)) })
  }

  func whole<Element: WholeElement>(_: Element.Type) {
    let y = y.words(as: Element.self)
    guard let start = rules.wholeStart else {
      return numbers(
        Element.self, read: { Double($0) }, write: { y[$0] = NumberConversion.whole($1) })
    }
    let x = x.words(as: Element.self)
    let (runs, step) = (loop.runsPerFold, loop.runIsFolded ? loop.run : 1)
    let width = loop.runIsFolded ? 1 : loop.run
    loop.forEachGroup(pool: pool) { group, first in
      for column in 0..<width {
        var fold = start
        for run in 0..<runs {
          let origin = first + loop.offset(ofRun: run) + column
          for index in 0..<step { fold = rules.whole(fold, adding: Int64(x[origin + index])) }
        }
        let result = rules.whole(fold, finishing: loop.foldCount)
        y[group * width + column] =
          loop.foldCount == 0 ? Element(clamping: result) : Element(truncatingIfNeeded: result)
      }
    }
  }

  @inline(__always)
  private func numbers<Element: BitwiseCopyable>(
    _: Element.Type, read: (Element) -> Double, write: (Int, Double) -> Void
  ) {
    let x = x.words(as: Element.self)
    loop.forEachGroup(pool: pool) { group, first in
      if loop.runIsFolded {
        write(group, rules.float(fold(x + first, read), finishing: loop.foldCount))
      } else {
        for column in stride(from: 0, to: loop.run, by: Self.block) {
          let width = min(Self.block, loop.run - column)
          columns(x + first + column, width, read) { index, fold in
            write(
              group * loop.run + column + index, rules.float(fold, finishing: loop.foldCount))
          }
        }
      }
    }
  }

  /// One fold over all its runs, in four interleaved parts.
  @inline(__always)
  private func fold<Element>(
    _ x: UnsafeMutablePointer<Element>, _ read: (Element) -> Double
  ) -> Double {
    var parts = (rules.realStart, rules.realStart, rules.realStart, rules.realStart)
    for run in 0..<loop.runsPerFold {
      let x = x + loop.offset(ofRun: run)
      var index = 0
      while index + 4 <= loop.run {
        parts.0 = rules.float(parts.0, adding: read(x[index]))
        parts.1 = rules.float(parts.1, adding: read(x[index + 1]))
        parts.2 = rules.float(parts.2, adding: read(x[index + 2]))
        parts.3 = rules.float(parts.3, adding: read(x[index + 3]))
        index += 4
      }
      while index < loop.run {
        parts.0 = rules.float(parts.0, adding: read(x[index]))
        index += 1
      }
    }
    return rules.float(
      rules.float(parts.0, joining: parts.1), joining: rules.float(parts.2, joining: parts.3))
  }

  /// Folds of neighbouring elements, side by side.
  @inline(__always)
  private func columns<Element>(
    _ x: UnsafeMutablePointer<Element>, _ width: Int, _ read: (Element) -> Double,
    _ write: (Int, Double) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.block) { folds in
      folds.update(repeating: rules.realStart)
      for run in 0..<loop.runsPerFold {
        let x = x + loop.offset(ofRun: run)
        for index in 0..<width { folds[index] = rules.float(folds[index], adding: read(x[index])) }
      }
      for index in 0..<width { write(index, folds[index]) }
    }
  }
}

extension ReductionOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    (try? axes.folded(inputs))?.map { .reduced(axes: $0.sorted()) }
  }
}
