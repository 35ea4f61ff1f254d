import GraphIR
import Kernels
import Tensors

/// Where a node keeps an 8-bit quantised value, its scale and its zero point.
struct QuantizedSlots: Sendable {
  var value: Int?
  var scale: Int
  var zero: Int

  /// The operand, checked together with its scale and zero point, each one number.
  func check(_ inputs: [Operand?]) throws -> Operand {
    let x = try inputs.required(value ?? zero)
    try x.check(value ?? zero, holds: .uint8, .int8)
    let scale = try inputs.required(self.scale)
    try scale.check(self.scale, holds: .float32)
    try scale.checkOneNumber(self.scale)
    if let zero = inputs.optional(zero) {
      try zero.check(self.zero, holds: x.elementType)
      try zero.checkOneNumber(self.zero)
    }
    return x
  }

  /// Scale, zero point and sign in one call.
  func quantity(_ call: OperatorCall, isSigned: Bool) -> QuantizedCombination.Quantity {
    .init(call.parameters(scale: scale, zeroPoint: zero), isSigned: isSigned)
  }
}

/// Runs a float32 operator on quantised values: dequantises its operands, computes, and quantises the result.
struct DequantizedKernel: Sendable {
  /// The operands of the float32 operator, in order.
  var operands: [QuantizedSlots]
  var result: QuantizedSlots
  /// The input that holds one more operand as int32, in units of the product of the others' scales; `nil` for none.
  var bias: Int?

  /// The result's type of the float32 operator, as bytes of the result's zero point.
  func inferType(_ inputs: [Operand?], of rules: any Operator) throws -> TensorType {
    var reals = try operands.map {
      Operand(type: TensorType(.float32, try $0.check(inputs).shape))
    }
    if let bias, let operand = inputs.optional(bias) {
      try operand.check(bias, holds: .int32)
      reals.append(Operand(type: TensorType(.float32, operand.shape)))
    }
    let type = try result.check(inputs).elementType
    guard let types = try rules.inferTypes(reals) else {
      throw OperatorError.unsupported("an output whose type only its values determine")
    }
    return TensorType(type, types[0].shape)
  }

  /// The kernel at a place in a graph.
  func kernel(_ site: PreparationSite, of rules: any Operator) throws -> Kernel {
    var types = try operands.map {
      TensorType(.float32, try site.inputs.required($0.value ?? 0).shape)
    }
    let bias = bias.flatMap { site.inputs.optional($0) == nil ? nil : $0 }
    if let bias { types.append(TensorType(.float32, try site.inputs.required(bias).shape)) }
    let output = TensorType(.float32, site.outputs[0].shape)
    let inner = try rules.prepareKernel(
      PreparationSite(
        inputs: types.map { Operand(type: $0) }, outputs: [output], threadCount: site.threadCount))
    let sizes = (types + [output]).map { ($0.byteCount + 256 + 63) / 64 * 64 }
    let (operands, result, count) = (operands, result, types.count)
    let shapes = types
    return Kernel(
      algorithm: "dequantised", scratchBytes: sizes.reduce(0, +) + inner.scratchBytes
    ) { call in
      var place = call.scratch
      var views: [TensorView] = []
      for (slots, (type, size)) in zip(operands, zip(shapes, sizes)) {
        guard let x = call.inputs[slots.value ?? 0] else { return }
        QuantizedElements.dequantize(
          x.base, to: place.assumingMemoryBound(to: Float.self), count: type.count,
          call.parameters(scale: slots.scale, zeroPoint: slots.zero),
          isSigned: x.elementType == .int8, pool: call.pool)
        views.append(TensorView(type: type, base: place))
        place += size
      }
      if let bias, let x = call.inputs[bias] {
        let scale = operands.reduce(Float(1)) {
          $0 * call.parameters(scale: $1.scale, zeroPoint: $1.zero).scale
        }
        let view = TensorView(type: shapes[count - 1], base: place)
        let (sums, target) = (x.elements(as: Int32.self), view.elements(as: Float.self))
        for index in target.indices { target[index] = scale * Float(sums[index]) }
        views.append(view)
        place += sizes[count - 1]
      }
      let reals = TensorView(type: output, base: place)
      try inner.run(
        OperatorCall(
          inputs: views, outputs: [reals], scratch: place + sizes[sizes.count - 1],
          pool: call.pool))
      QuantizedElements.quantize(
        UnsafePointer(place.assumingMemoryBound(to: Float.self)), to: call.outputs[0].base,
        count: output.count,
        call.parameters(scale: result.scale, zeroPoint: result.zero),
        isSigned: call.outputs[0].elementType == .int8, pool: call.pool)
    }
  }
}

/// An operator of quantised operands that is computed as its float32 counterpart between them.
protocol DequantizedOperator: PreparedOperator {
  /// The float32 operator.
  var reals: any Operator { get }
  /// Where the operands and the result's scale stand.
  var slots: DequantizedKernel { get }
}

extension DequantizedOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    [try slots.inferType(inputs, of: reals)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel { try slots.kernel(site, of: reals) }
}
