import GraphIR
import Kernels
import Tensors

/// The mean under a sliding window, over its taps within the input or, with `count_include_pad`,
/// within the padding too.
///
/// Input: x `[N, C, (H,) W]`; three and more spatial axes are computed by plain loops.
struct AveragePool: PreparedOperator, DifferentiableOperator {
  static let opType = "AveragePool"

  let rule: PoolRule
  let countsPadding: Bool

  init(attributes: Attributes, opset: Int) throws {
    rule = try PoolRule(attributes)
    countsPadding = try attributes.flag("count_include_pad", default: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    return [try rule.outputType(x)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = try site.inputs.required(0).shape
    let window = try rule.placed(on: shape).lifted
    let planes = shape[0] * shape[1]
    guard shape.count <= 4 else {
      return site.outputs[0].elementType == .float32
        ? plainKernel(PlainPool<Float>(window), planes)
        : plainKernel(PlainPool<Double>(window), planes)
    }
    return site.outputs[0].elementType == .float32
      ? floatKernel(window, planes, site)
      : kernel(PlanePool<Double>(window, start: 0), planes, site)
  }

  private func floatKernel(
    _ window: PlacedWindow, _ planes: Int, _ site: PreparationSite
  ) -> Kernel {
    let pool = window.floatPool(.sum)
    let divisors: [Float] = divisors(window)
    return Kernel(
      algorithm: "separable", scratchBytes: pool.scratchBytes(threads: site.threadCount)
    ) { call in
      guard let x = call.inputs[0]?.elements(as: Float.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Float.self)
      pool.run(planes: planes, input: x, output: y, scratch: call.scratch, pool: call.pool)
      divisors.withUnsafeBufferPointer { divisors in
        call.pool.forEach(planes) { plane in
          let sums = y + plane * divisors.count
          for i in divisors.indices { sums[i] /= divisors[i] }
        }
      }
    }
  }

  /// The taps that count for each output of a plane.
  private func divisors<Element: BinaryFloatingPoint>(_ window: PlacedWindow) -> [Element] {
    window.tapCounts(countsPadding).map { Element($0) }
  }

  private func plainKernel<Element: TensorElement & BinaryFloatingPoint>(
    _ pool: PlainPool<Element>, _ planes: Int
  ) -> Kernel {
    let divisors: [Element] = divisors(pool.window)
    return Kernel(algorithm: "plain") { call in
      guard let x = call.inputs[0]?.elements(as: Element.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Element.self)
      pool.fold(planes: planes, from: x, into: y, start: 0, pool: call.pool, { $0 + $1 }) { plane in
        for index in divisors.indices { plane[index] /= divisors[index] }
      }
    }
  }

  private func kernel<Element: TensorElement & BinaryFloatingPoint>(
    _ pool: PlanePool<Element>, _ planes: Int, _ site: PreparationSite
  ) -> Kernel {
    let bytes = pool.bufferCount * MemoryLayout<Element>.stride * site.threadCount
    let divisors: [Element] = divisors(pool.window)
    return Kernel(algorithm: "separable", scratchBytes: bytes) { call in
      guard let x = call.inputs[0]?.elements(as: Element.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Element.self)
      divisors.withUnsafeBufferPointer { divisors in
        pool.pool(
          planes: planes, from: x, into: y, scratch: call.scratch, threads: call.pool,
          { $0 + $1 }, finish: { plane in for i in divisors.indices { plane[i] /= divisors[i] } })
      }
    }
  }

  /// See ``AveragePoolGradient``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    var attributes = derivation.node.attributes
    attributes["shape"] = .ints(try derivation.type(0).shape)
    return [
      derivation(
        AveragePoolGradient.opType, domain: AveragePoolGradient.domain, derivation.gradient(),
        attributes: attributes)
    ]
  }
}

extension PlacedWindow {
  /// How many taps of each output lie within the input, or the padded input; 1 where none does.
  func tapCounts(_ countsPadding: Bool) -> [Int] {
    extents.indices.reduce([1]) { outer, axis in
      let counts = tapCounts(axis, countsPadding)
      return outer.flatMap { count in counts.map { count * $0 } }
    }.map { Swift.max(1, $0) }
  }

  /// How many taps of each output along one axis lie within the input, or the padded input.
  private func tapCounts(_ axis: Int, _ countsPadding: Bool) -> [Int] {
    (0..<outputs[axis]).map { output in
      (0..<kernel[axis]).count { tap in
        let place = output * strides[axis] + tap * dilations[axis] - padsBefore[axis]
        return countsPadding
          ? place < extents[axis] + padsAfter[axis] : place >= 0 && place < extents[axis]
      }
    }
  }
}

extension AveragePool: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}

extension AveragePool: QuantizableOperator, DistributionOperator {
  static var quantizationRole: QuantizationRole { .function }

  var integerForm: IntegerForm? {
    IntegerForm(
      "QLinearAveragePool", [.input(0), .output],
      attributes: [
        "auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides",
      ])
  }

  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .kept }
}
