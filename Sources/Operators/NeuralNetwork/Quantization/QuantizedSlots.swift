import GraphIR
import Kernels
import Tensors

/// Where a node keeps an 8-bit quantised value, its scale and its zero point.
struct QuantizedSlots: Sendable {
  var value: Int?
  var scale: Int
  var zero: Int
  /// The axis that scales may run along; `nil` where one number serves all.
  var axis: Int?

  /// The operand, checked together with its scale and zero point.
  func check(_ inputs: [Operand?]) throws -> Operand {
    let x = try inputs.required(value ?? zero)
    try x.check(value ?? zero, holds: .uint8, .int8)
    let scale = try inputs.required(self.scale)
    try scale.check(self.scale, holds: .float32)
    guard axis != nil, value != nil else {
      try scale.checkOneNumber(self.scale)
      if let zero = inputs.optional(zero) {
        try zero.check(self.zero, holds: x.elementType)
        try zero.checkOneNumber(self.zero)
      }
      return x
    }
    _ = try scales(inputs)
    if let zero = inputs.optional(zero) {
      try zero.check(self.zero, holds: x.elementType)
      if zero.type.count != 1 || scale.type.count == 1 {
        try zero.check(self.zero, shape: scale.shape, "the zero point")
      }
    }
    return x
  }

  /// How the operand's scales lie.
  func scales(_ inputs: [Operand?]) throws -> OperandScales {
    try OperandScales(
      shape: try inputs.required(value ?? zero).shape, pairs: try inputs.required(scale).shape,
      axis: axis, input: scale)
  }

  /// Scale, zero point and sign in one call.
  func quantity(_ call: OperatorCall, isSigned: Bool) -> QuantizedCombination.Quantity {
    .init(call.parameters(scale: scale, zeroPoint: zero), isSigned: isSigned)
  }
}

/// Runs a float32 operator on quantised values: dequantises its operands, computes, and quantises
/// the result.
struct DequantizedKernel: Sendable {
  /// The operands of the float32 operator, in order.
  var operands: [QuantizedSlots]
  var result: QuantizedSlots
  /// The input that holds one more operand as int32, in units of the product of the others' scales;
  /// `nil` for none.
  var bias: Int?
  /// What those units are multiplied by besides.
  var biasFactor: Float = 1
  /// Whether the result is float32 where its scale is left out.
  var mayStayFloat = false

  private func staysFloat(_ inputs: [Operand?]) -> Bool {
    mayStayFloat && inputs.optional(result.scale) == nil && inputs.optional(result.zero) == nil
  }

  /// The shape of the bias as floats: where scales run along columns, so does it.
  private func biasShape(_ bias: [Int], _ inputs: [Operand?]) throws -> [Int] {
    guard try operands.contains(where: { try !$0.scales(inputs).isSingle }),
      let columns = try columns(inputs)
    else { return bias }
    return bias.dropLast() + [columns]
  }

  /// How many columns the last operand has, along the axis of its scales.
  private func columns(_ inputs: [Operand?]) throws -> Int? {
    guard let last = operands.last, let axis = last.axis else { return nil }
    let shape = try inputs.required(last.value ?? 0).shape
    return shape[try axis.axis(ofRank: shape.count)]
  }

  /// The result's type of the float32 operator, as bytes of the result's zero point.
  func inferType(_ inputs: [Operand?], of rules: any Operator) throws -> TensorType {
    var numbers = try operands.map {
      Operand(type: TensorType(.float32, try $0.check(inputs).shape))
    }
    if let bias, let operand = inputs.optional(bias) {
      try operand.check(bias, holds: .int32)
      numbers.append(Operand(type: TensorType(.float32, operand.shape)))
    }
    let type = try staysFloat(inputs) ? .float32 : result.check(inputs).elementType
    guard let types = try rules.inferTypes(numbers) else {
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
    if let bias {
      types.append(
        TensorType(.float32, try biasShape(try site.inputs.required(bias).shape, site.inputs)))
    }
    let scales = try operands.map { try $0.scales(site.inputs) }
    let (biasFactor, staysFloat) = (biasFactor, staysFloat(site.inputs))
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
      for (index, (slots, size)) in zip(operands, sizes).enumerated() {
        let type = shapes[index]
        guard let x = call.inputs[slots.value ?? 0],
          let own = call.inputs[slots.scale]?.elements(as: Float.self)
        else { return }
        scales[index].dequantize(
          x, own, call.optional(slots.zero).map { QuantizedView($0) },
          to: place.assumingMemoryBound(to: Float.self), pool: call.pool)
        views.append(TensorView(type: type, base: place))
        place += size
      }
      if let bias, let x = call.inputs[bias] {
        let view = TensorView(type: shapes[count - 1], base: place)
        let factors = operands.compactMap { call.inputs[$0.scale]?.elements(as: Float.self) }
        let (sums, target) = (x.elements(as: Int32.self), view.elements(as: Float.self))
        let (own, columns) = (x.shape.last ?? 1, view.shape.last ?? 1)
        for index in target.indices {
          let column = index % columns
          let unit = factors.reduce(biasFactor) { $0 * $1[$1.count == 1 ? 0 : column] }
          target[index] = unit * Float(sums[index / columns * own + (own == 1 ? 0 : column)])
        }
        views.append(view)
        place += sizes[count - 1]
      }
      let numbers = staysFloat ? call.outputs[0] : TensorView(type: output, base: place)
      try inner.run(
        OperatorCall(
          inputs: views, outputs: [numbers], scratch: place + sizes[sizes.count - 1],
          pool: call.pool))
      if staysFloat { return }
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
  var numbers: any Operator { get }
  /// Where the operands and the result's scale stand.
  var slots: DequantizedKernel { get }
}

extension DequantizedOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    [try slots.inferType(inputs, of: numbers)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel { try slots.kernel(site, of: numbers) }
}
