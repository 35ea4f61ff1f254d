import GraphIR
import Tensors

/// The adjoint of a strided copy: every element of the copy is added to where it was taken from.
///
/// The engine's own operator, which only derivatives make. Input: the gradient of the copy.
/// Attributes, in elements: `shape` of the source, `extents` of the loops, `source_steps` and
/// `target_steps` of each, `source_offset` and `target_offset`. Elements taken several times sum in
/// the order of the loops.
struct CopyAdjoint: PreparedOperator {
  static let opType = "CopyAdjoint"
  static let domain = "compress"

  private let shape: [Int]
  private let extents: [Int]
  private let sourceSteps: [Int]
  private let targetSteps: [Int]
  private let sourceOffset: Int
  private let targetOffset: Int

  init(attributes: Attributes, opset: Int) throws {
    shape = try attributes.ints("shape") ?? []
    extents = try attributes.ints("extents") ?? []
    sourceSteps = try attributes.ints("source_steps") ?? []
    targetSteps = try attributes.ints("target_steps") ?? []
    sourceOffset = try attributes.requiredInt("source_offset")
    targetOffset = try attributes.requiredInt("target_offset")
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    try inputs.required(0).check(0, holds: .float32)
    return [try TensorType(checking: .float32, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    // Loops of different outer steps write apart only when the copy repeats nothing there.
    let isShared = (sourceSteps.first ?? 0) != 0
    return Kernel(algorithm: "") { call in
      let y = call.outputs[0].words(as: Float.self)
      let gradient = UnsafePointer(try call.input(0).words(as: Float.self)) + targetOffset
      y.update(repeating: 0, count: call.outputs[0].count)
      guard !extents.contains(0) else { return }
      guard let outer = extents.first, isShared, disjointOuter else {
        return add(0, y + sourceOffset, gradient)
      }
      call.pool.forEach(outer) { index in
        add(1, y + sourceOffset + index * sourceSteps[0], gradient + index * targetSteps[0])
      }
    }
  }

  /// Whether the outermost loop's turns reach distinct elements: its step exceeds the reach of the
  /// others.
  private var disjointOuter: Bool {
    let reach = zip(extents, sourceSteps).dropFirst().reduce(0) { $0 + ($1.0 - 1) * abs($1.1) }
    return abs(sourceSteps[0]) > reach
  }

  private func add(
    _ axis: Int, _ target: UnsafeMutablePointer<Float>, _ source: UnsafePointer<Float>
  ) {
    guard axis < extents.count else {
      target[0] += source[0]
      return
    }
    let (to, from) = (sourceSteps[axis], targetSteps[axis])
    if axis < extents.count - 1 {
      for index in 0..<extents[axis] { add(axis + 1, target + index * to, source + index * from) }
    } else if to == 1, from == 1 {
      for index in 0..<extents[axis] { target[index] += source[index] }
    } else {
      for index in 0..<extents[axis] { target[index * to] += source[index * from] }
    }
  }
}

extension Derivation {
  /// The gradient of what `copy` reads, given that of what it writes.
  mutating func adjoint(of copy: StridedCopy) throws -> String {
    let loops = copy.elementLoops(of: 4)
    return self(
      CopyAdjoint.opType, domain: CopyAdjoint.domain, gradient(),
      attributes: [
        "shape": .ints(try type(0).shape), "extents": .ints(loops.extents),
        "source_steps": .ints(loops.sourceSteps), "target_steps": .ints(loops.targetSteps),
        "source_offset": .int(copy.sourceOffset / 4), "target_offset": .int(copy.targetOffset / 4),
      ])
  }
}
