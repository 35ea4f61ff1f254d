import GraphIR
import Kernels
import Tensors

/// The largest element under a sliding window, and optionally where it lies.
///
/// Input: x `[N, C, (H,) W]`. Outputs: y and the flat index of each maximum in x, int64, counted
/// down the columns when `storage_order` is 1.
struct MaxPool: PreparedOperator, DifferentiableOperator {
  static let opType = "MaxPool"

  let rule: PoolRule
  let isColumnMajor: Bool

  init(attributes: Attributes, opset: Int) throws {
    rule = try PoolRule(attributes)
    isColumnMajor = try attributes.flag("storage_order", default: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64, .int8, .uint8)
    let type = try rule.outputType(x)
    return [type, try TensorType(checking: .int64, type.shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = try site.inputs.required(0).shape
    let window = try rule.placed(on: shape).lifted
    let planes = shape[0] * shape[1]
    return switch site.outputs[0].elementType {
    case .float64: kernel(PlanePool<Double>(window, start: -.infinity), planes, site)
    case .int8: byteKernel(PlanePool<Int8>(window, start: .min), planes, site)
    case .uint8: byteKernel(PlanePool<UInt8>(window, start: .min), planes, site)
    default: floatKernel(window, planes, site)
    }
  }

  private func floatKernel(
    _ window: PlacedWindow, _ planes: Int, _ site: PreparationSite
  ) -> Kernel {
    let pool = window.floatPool(.maximum)
    let scan = PlanePool<Float>(window, start: -.infinity)
    return Kernel(
      algorithm: "separable", scratchBytes: pool.scratchBytes(threads: site.threadCount)
    ) { call in
      guard let x = call.inputs[0]?.elements(as: Float.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Float.self)
      pool.run(planes: planes, input: x, output: y, scratch: call.scratch, pool: call.pool)
      findIndices(scan, x, planes, call)
    }
  }

  /// Writes where each maximum lies, when the node wants to know.
  private func findIndices<Element: TensorElement & Comparable>(
    _ pool: PlanePool<Element>, _ x: UnsafePointer<Element>, _ planes: Int, _ call: OperatorCall
  ) {
    guard call.outputs.count > 1 else { return }
    let y = call.outputs[0].base.assumingMemoryBound(to: Element.self)
    let indices = call.outputs[1].elements(as: Int64.self)
    let area = pool.window.outputs.product
    call.pool.forEach(planes) { plane in
      for place in 0..<area {
        indices[plane * area + place] = Int64(
          pool.index(of: y[plane * area + place], x, plane, place, isColumnMajor))
      }
    }
  }

  private func byteKernel<Element: TensorElement & Comparable>(
    _ scan: PlanePool<Element>, _ planes: Int, _ site: PreparationSite
  ) -> Kernel {
    let pool = scan.window.bytePool(isSigned: Element.self == Int8.self)
    return Kernel(
      algorithm: "separable", scratchBytes: pool.scratchBytes(threads: site.threadCount)
    ) { call in
      guard let x = call.inputs[0] else { return }
      pool.run(
        planes: planes, input: x.base, output: call.outputs[0].base, scratch: call.scratch,
        pool: call.pool)
      guard let elements = x.elements(as: Element.self).baseAddress else { return }
      findIndices(scan, elements, planes, call)
    }
  }

  private func kernel<Element: TensorElement & Comparable>(
    _ pool: PlanePool<Element>, _ planes: Int, _ site: PreparationSite
  ) -> Kernel {
    let bytes = pool.bufferCount * MemoryLayout<Element>.stride * site.threadCount
    return Kernel(algorithm: "separable", scratchBytes: bytes) { call in
      guard let x = call.inputs[0]?.elements(as: Element.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Element.self)
      pool.pool(
        planes: planes, from: x, into: y, scratch: call.scratch, threads: call.pool,
        { $0 < $1 ? $1 : $0 }, finish: { _ in })
      findIndices(pool, x, planes, call)
    }
  }

  /// See ``MaxPoolGradient``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [
      derivation(
        MaxPoolGradient.opType, domain: MaxPoolGradient.domain, derivation.gradient(),
        derivation.input(0), attributes: derivation.node.attributes)
    ]
  }
}

extension PlanePool where Element: Comparable {
  /// The flat index of the first tap of a window that holds `value`.
  fileprivate func index(
    of value: Element, _ x: UnsafePointer<Element>, _ plane: Int, _ place: Int,
    _ isColumnMajor: Bool
  ) -> Int {
    let (height, width) = (window.extents[0], window.extents[1])
    let top = place / window.outputs[1] * window.strides[0] - window.padsBefore[0]
    let left = place % window.outputs[1] * window.strides[1] - window.padsBefore[1]
    for tapY in 0..<window.kernel[0] {
      let y = top + tapY * window.dilations[0]
      guard y >= 0, y < height else { continue }
      for tapX in 0..<window.kernel[1] {
        let column = left + tapX * window.dilations[1]
        guard column >= 0, column < width else { continue }
        if x[plane * height * width + y * width + column] == value {
          return plane * height * width + (isColumnMajor ? column * height + y : y * width + column)
        }
      }
    }
    return plane * height * width
  }
}

extension MaxPool: ChannelOperator {
  /// The places that a second output holds count through all channels, so nothing is known of that use.
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    outputs.count == 1 ? .perChannel(parameters: []) : nil
  }
}
