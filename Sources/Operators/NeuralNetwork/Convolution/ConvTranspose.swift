import GraphIR
import Tensors

/// The transpose of ``Conv``: every input element adds its multiple of the filter to the output.
///
/// Inputs: x `[N, I, (H,) W]`, w `[I, O / groups, (kH,) kW]`, optionally bias `[O]`. The output's
/// extents are `stride·(H − 1) + output_padding + dilation·(kH − 1) + 1 − padTop − padBottom`.
/// Computed as one matrix product per image and group, whose columns are then added in place.
struct ConvTranspose: PreparedOperator, CostedOperator, WeightedOperator, DifferentiableOperator {
  static let opType = "ConvTranspose"

  let weightSlots = [WeightSlot(input: 1, outputAxis: 1, inputAxis: 0)]

  let window: SlidingWindow
  let groups: Int
  let outputPadding: [Int]?
  let outputShape: [Int]?

  init(attributes: Attributes, opset: Int) throws {
    window = try SlidingWindow(attributes)
    groups = try attributes.int("group", default: 1)
    outputPadding = try attributes.ints("output_padding")
    outputShape = try attributes.ints("output_shape")
    guard (1...SlidingWindow.largest).contains(groups) else {
      throw AttributeError.invalid(name: "group", reason: "is \(groups), expected at least 1")
    }
    for (name, values) in [("output_padding", outputPadding), ("output_shape", outputShape)] {
      guard values?.allSatisfy({ (0...SlidingWindow.largest).contains($0) }) ?? true else {
        throw AttributeError.invalid(name: name, reason: "is \(values ?? []), out of range")
      }
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...3)
    let (x, w) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32)
    try w.check(1, holds: .float32)
    let placed = try placed(x: x.shape, w: w.shape)
    let channels = w.shape[1] * groups
    if let bias = inputs.optional(2) {
      try bias.check(2, holds: .float32)
      try bias.check(2, shape: [channels], "the bias")
    }
    _ = try TensorType(
      checking: .float32, [x.shape[0], channels, placed.kernel.product, placed.extents.product])
    return [try TensorType(checking: .float32, [x.shape[0], channels] + placed.outputs)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (x, w) = (try site.inputs.required(0).shape, try site.inputs.required(1).shape)
    guard x.count <= 4 else { return try plainKernel(x, w) }
    let placed = try placed(x: x, w: w).lifted
    let columns = TransposedColumns(window: placed, channels: w[1])
    let (batch, groups, inputChannels) = (x[0], groups, x[1] / groups)
    let product = MatrixProduct(
      rows: w[1] * placed.kernel.product, columns: placed.extents.product, depth: inputChannels,
      transposesLeft: true)
    return Kernel(algorithm: "gemm", scratchBytes: 4 * product.rows * product.columns) { call in
      guard let x = call.inputs[0]?.elements(as: Float.self).baseAddress,
        let w = call.inputs[1]?.elements(as: Float.self).baseAddress
      else { return }
      let bias = call.inputs.count > 2 ? call.inputs[2]?.elements(as: Float.self) : nil
      let y = call.outputs[0].base.assumingMemoryBound(to: Float.self)
      let scratch = call.scratch.assumingMemoryBound(to: Float.self)
      for image in 0..<batch * groups {
        let group = image % groups
        product(
          w + group * inputChannels * product.rows, x + image * inputChannels * product.columns,
          into: scratch, pool: call.pool)
        columns.add(
          scratch,
          bias: bias.map { UnsafePointer($0.baseAddress.map { $0 + group * columns.channels }) }
            ?? nil,
          to: y + image * columns.channels * placed.outputs.product, pool: call.pool)
      }
    }
  }

  /// The kernel for more axes than matrix products and columns have.
  private func plainKernel(_ x: [Int], _ w: [Int]) throws -> Kernel {
    var window = try placed(x: x, w: w)
    // As the convolution of y into x.
    (window.extents, window.outputs) = (window.outputs, window.extents)
    let convolution = PlainConvolution(
      window, batch: x[0], inputs: w[1] * groups, outputs: x[1], groups: groups)
    return Kernel(algorithm: "plain") { call in
      guard let x = call.floats(0), let w = call.floats(1) else { return }
      convolution.runTransposed(
        x, w, bias: call.floats(2), to: call.outputs[0].base.assumingMemoryBound(to: Float.self),
        pool: call.pool)
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let x = inputs[0], let w = inputs[1] else { return 0 }
    return (CheckedInteger(x.count) * w.shape[1...].checkedProduct).clamped
  }

  /// The window with `extents` those of x and `outputs` those of y.
  private func placed(x: [Int], w: [Int]) throws -> PlacedWindow {
    guard (3...8).contains(x.count) else {
      throw OperatorError.shape(
        input: 0, found: x, reason: "has \(x.count) axes, expected 3 to 8")
    }
    let fits =
      w.count == x.count && w[0] == x[1] && w[0].isMultiple(of: groups)
      && (x[1...] + w[..<2]).allSatisfy { (0...SlidingWindow.largest).contains($0) }
      && w[2...].allSatisfy { (1...SlidingWindow.largest).contains($0) }
      && !w[1].multipliedReportingOverflow(by: groups).overflow
    guard fits else {
      throw OperatorError.shape(
        input: 1, found: w, reason: "does not fit an input of \(x) in \(groups) groups")
    }
    return try window.placedTransposed(
      on: Array(x[2...]), weights: Array(w[2...]), outputPadding: outputPadding,
      outputShape: outputShape)
  }

  /// Carries the gradient back: `∂x` is the convolution of `∂y`, `∂w` that of a convolution that
  /// turns `∂y` into x.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let (x, w) = (try derivation.type(0).shape, try derivation.type(1).shape)
    guard x.count <= 4 else {
      throw OperatorError.unsupported("gradients on \(x.count - 2) spatial axes")
    }
    let placed = try placed(x: x, w: w)
    let placement: Attributes = [
      "strides": .ints(placed.strides), "dilations": .ints(placed.dilations),
      "pads": .ints(placed.padsBefore + placed.padsAfter), "group": .int(groups),
    ]
    let dy = derivation.gradient()
    var results: [String?] = [nil, nil, nil]
    if derivation.wants(0) {
      results[0] = derivation(Conv.opType, dy, derivation.input(1), attributes: placement)
    }
    if derivation.wants(1) {
      results[1] = derivation.weightGradient(
        of: derivation.input(0), input: dy, placement: placement, shape: w)
    }
    if derivation.wants(2) {
      results[2] = derivation.summedOverChannels(dy)
    }
    return results
  }
}

extension SlidingWindow {
  /// The window of a transposed convolution of an input of the given extents.
  fileprivate func placedTransposed(
    on extents: [Int], weights: [Int], outputPadding: [Int]?, outputShape: [Int]?
  ) throws -> PlacedWindow {
    // A window on its own reach fits any attributes; what follows replaces the extents.
    var whole = self
    whole.autoPad = .notset
    whole.ceilMode = false
    let reaches = zip(weights, dilations ?? weights.map { _ in 1 }).map { ($0 - 1) * $1 + 1 }
    guard reaches.allSatisfy({ $0 <= Self.largest }) else {
      throw OperatorError.unsupported("a window of \(reaches)")
    }
    var placed = try whole.placed(on: reaches, weights: weights)
    placed.extents = extents
    let extra = outputPadding ?? extents.map { _ in 0 }
    let wanted = outputShape.map { Array($0.suffix(extents.count)) }
    guard extra.count == extents.count, wanted?.count ?? extents.count == extents.count else {
      throw AttributeError.invalid(
        name: wanted == nil ? "output_padding" : "output_shape",
        reason: "is \(wanted ?? extra), expected \(extents.count) numbers")
    }
    for axis in extents.indices {
      let full = placed.strides[axis] * (extents[axis] - 1) + extra[axis] + placed.reach(axis)
      if wanted != nil || autoPad == .sameUpper || autoPad == .sameLower {
        let target = wanted?[axis] ?? extents[axis] * placed.strides[axis]
        let total = max(0, full - target)
        placed.padsBefore[axis] = autoPad == .sameUpper ? total / 2 : total - total / 2
        placed.padsAfter[axis] = total - placed.padsBefore[axis]
        placed.outputs[axis] = target
      } else {
        placed.outputs[axis] = full - placed.padsBefore[axis] - placed.padsAfter[axis]
      }
      guard placed.outputs[axis] > 0, placed.outputs[axis] <= Self.largest else {
        throw OperatorError.unsupported(
          "an output extent of \(placed.outputs[axis]) for an input extent of \(extents[axis])")
      }
    }
    return placed
  }
}

extension ConvTranspose: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .convolution(
      weight: 1, bias: inputs.optional(2) == nil ? nil : 2, groups: groups, isTransposed: true)
  }

  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    removal.convolution(groups: groups)
  }
}

extension ConvTranspose: QuantizableOperator, ParameterizedOperator {
  var arithmetic: LayerArithmetic { .convolution(groups: groups, isTransposed: true) }
  var biasInput: Int? { 2 }

  static var quantizationRole: QuantizationRole { .floatLayer }

  var parameterSlots: [ParameterSlot] { .weightAndBias }
}
