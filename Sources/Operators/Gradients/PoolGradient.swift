import GraphIR
import Tensors

/// The gradient of ``MaxPool``: each `∂y` goes to the first of the window's largest elements.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y`, x. Attributes: those of
/// the pool.
struct MaxPoolGradient: PreparedOperator {
  static let opType = "MaxPoolGradient"
  static let domain = "compress"

  private let rule: PoolRule

  init(attributes: Attributes, opset: Int) throws { rule = try PoolRule(attributes) }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let x = try inputs.required(1)
    try x.check(1, holds: .float32)
    try inputs.required(0).check(0, holds: .float32)
    try inputs.required(0).check(0, shape: try rule.outputType(x).shape, "the gradient")
    return [x.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = site.outputs[0].shape
    let window = try rule.placed(on: shape).planar
    let planes = shape[0] * shape[1]
    let (area, outArea) = (window.extents.product, window.outputs.product)
    return Kernel(algorithm: "") { call in
      let gradient = try call.input(0).words(as: Float.self)
      let x = try call.input(1).words(as: Float.self)
      let result = call.outputs[0].words(as: Float.self)
      call.pool.forEach(planes) { plane in
        let (target, source) = (result + plane * area, x + plane * area)
        target.update(repeating: 0, count: area)
        for place in 0..<outArea {
          var (best, largest) = (-1, -Float.infinity)
          window.forEachTap(place) { element in
            if best < 0 || source[element] > largest {
              (best, largest) = (element, source[element])
            }
          }
          if best >= 0 { target[best] += gradient[plane * outArea + place] }
        }
      }
    }
  }
}

/// The gradient of ``AveragePool``: each `∂y` goes in equal shares to the elements of its window.
///
/// The engine's own operator, which only derivatives make. Input: `∂y`. Attributes: those of the
/// pool, and `shape` of the input.
struct AveragePoolGradient: PreparedOperator {
  static let opType = "AveragePoolGradient"
  static let domain = "compress"

  private let rule: PoolRule
  private let countsPadding: Bool
  private let shape: [Int]

  init(attributes: Attributes, opset: Int) throws {
    rule = try PoolRule(attributes)
    countsPadding = try attributes.flag("count_include_pad", default: false)
    shape = try attributes.ints("shape") ?? []
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let type = try TensorType(checking: .float32, shape)
    try inputs.required(0).check(0, holds: .float32)
    let output = try rule.outputType(Operand(type: type))
    try inputs.required(0).check(0, shape: output.shape, "the gradient")
    return [type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let window = try rule.placed(on: shape).planar
    let planes = shape[0] * shape[1]
    let (area, outArea) = (window.extents.product, window.outputs.product)
    let shares = window.tapCounts(countsPadding).map { 1 / Float($0) }
    return Kernel(algorithm: "") { call in
      let gradient = try call.input(0).words(as: Float.self)
      let result = call.outputs[0].words(as: Float.self)
      call.pool.forEach(planes) { plane in
        let target = result + plane * area
        target.update(repeating: 0, count: area)
        for place in 0..<outArea {
          let share = gradient[plane * outArea + place] * shares[place]
          window.forEachTap(place) { target[$0] += share }
        }
      }
    }
  }
}

extension PlacedWindow {
  /// The window on two axes.
  ///
  /// - Throws: `OperatorError` when it lies on more.
  fileprivate var planar: PlacedWindow {
    get throws {
      guard extents.count <= 2 else {
        throw OperatorError.unsupported("gradients on \(extents.count) spatial axes")
      }
      return lifted
    }
  }

  /// The elements of the plane under the window of one output, row by row; two axes.
  @inline(__always)
  func forEachTap(_ place: Int, _ body: (Int) -> Void) {
    let top = place / outputs[1] * strides[0] - padsBefore[0]
    let left = place % outputs[1] * strides[1] - padsBefore[1]
    for tapRow in 0..<kernel[0] {
      let row = top + tapRow * dilations[0]
      guard row >= 0, row < extents[0] else { continue }
      for tapColumn in 0..<kernel[1] {
        let column = left + tapColumn * dilations[1]
        guard column >= 0, column < extents[1] else { continue }
        body(row * extents[1] + column)
      }
    }
  }
}
