import GraphIR
import Kernels
import Tensors

/// The largest element under a sliding window, and optionally where it lies.
///
/// Input: x `[N, C, (H,) W]`; three and more spatial axes are computed by plain loops. Outputs: y
/// and the flat index of each maximum in x, int64, counted from the first spatial axis on when
/// `storage_order` is 1.
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
    guard shape.count <= 4 else {
      return switch site.outputs[0].elementType {
      case .float64: plainKernel(PlainPool<Double>(window), planes, start: -.infinity)
      case .int8: plainKernel(PlainPool<Int8>(window), planes, start: .min)
      case .uint8: plainKernel(PlainPool<UInt8>(window), planes, start: .min)
      default: plainKernel(PlainPool<Float>(window), planes, start: -.infinity)
      }
    }
    return switch site.outputs[0].elementType {
    case .float64: kernel(PlanePool<Double>(window, start: -.infinity), planes, site)
    case .int8: byteKernel(PlainPool<Int8>(window), planes, site)
    case .uint8: byteKernel(PlainPool<UInt8>(window), planes, site)
    default: floatKernel(window, planes, site)
    }
  }

  private func floatKernel(
    _ window: PlacedWindow, _ planes: Int, _ site: PreparationSite
  ) -> Kernel {
    let pool = window.floatPool(.maximum)
    let scan = PlainPool<Float>(window)
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
    _ pool: PlainPool<Element>, _ x: UnsafePointer<Element>, _ planes: Int, _ call: OperatorCall
  ) {
    guard call.outputs.count > 1 else { return }
    pool.indices(
      planes: planes, of: call.outputs[0].base.assumingMemoryBound(to: Element.self), in: x,
      isColumnMajor: isColumnMajor, to: call.outputs[1].base.assumingMemoryBound(to: Int64.self),
      pool: call.pool)
  }

  private func plainKernel<Element: TensorElement & Comparable>(
    _ pool: PlainPool<Element>, _ planes: Int, start: Element
  ) -> Kernel {
    Kernel(algorithm: "plain") { call in
      guard let x = call.inputs[0]?.elements(as: Element.self).baseAddress else { return }
      pool.fold(
        planes: planes, from: x, into: call.outputs[0].base.assumingMemoryBound(to: Element.self),
        start: start, pool: call.pool, { $0 < $1 ? $1 : $0 }, finish: { _ in })
      findIndices(pool, x, planes, call)
    }
  }

  private func byteKernel<Element: TensorElement & Comparable>(
    _ scan: PlainPool<Element>, _ planes: Int, _ site: PreparationSite
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
    let scan = PlainPool<Element>(pool.window)
    let bytes = pool.bufferCount * MemoryLayout<Element>.stride * site.threadCount
    return Kernel(algorithm: "separable", scratchBytes: bytes) { call in
      guard let x = call.inputs[0]?.elements(as: Element.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Element.self)
      pool.pool(
        planes: planes, from: x, into: y, scratch: call.scratch, threads: call.pool,
        { $0 < $1 ? $1 : $0 }, finish: { _ in })
      findIndices(scan, x, planes, call)
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

extension MaxPool: ChannelOperator {
  /// The places that a second output holds count through all channels, so nothing is known of that
  /// use.
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    outputs.count == 1 ? .perChannel(parameters: []) : nil
  }
}

extension MaxPool: QuantizableOperator, DistributionOperator {
  static var quantizationRole: QuantizationRole { .layout }

  var elementMotion: ElementMotion { .chosenByOrder }

  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .kept }
}
