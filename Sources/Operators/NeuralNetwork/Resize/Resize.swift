import GraphIR
import Tensors

/// Resizes a value along its axes by nearest, linear or cubic interpolation.
///
/// Inputs before opset 11: x, scales; from 11 on: x, region of interest, scales, sizes, of which
/// scales or sizes is given.
///
/// Antialiasing follows ONNX: shrinking stretches the filter by the inverse scale.
struct Resize: PreparedOperator, DifferentiableOperator {
  static let opType = "Resize"

  /// What becomes of the aspect ratio when sizes are given.
  enum AspectPolicy: String { case stretch, notLarger = "not_larger", notSmaller = "not_smaller" }

  let rule: ResizeRule
  let opset: Int
  let axes: [Int]?
  let aspectPolicy: AspectPolicy

  init(attributes: Attributes, opset: Int) throws {
    self.opset = opset
    axes = try attributes.ints("axes")
    aspectPolicy = try ResizeRule.choice(
      "keep_aspect_ratio_policy", attributes, default: .stretch)
    if opset >= 11 {
      rule = try ResizeRule(attributes)
    } else {
      rule = ResizeRule(simple: try ResizeRule.choice("mode", attributes, default: .nearest))
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(opset >= 11 ? 1...4 : 2...2)
    let x = try inputs.required(0)
    try x.check(0, rank: 1...8)
    if rule.mode == .nearest {
      try x.check(0, holdsOneOf: ElementType.numbers + [.bool])
    } else {
      try x.check(0, holds: .float32)
    }
    guard let plan = try plan(inputs) else { return nil }
    return [try TensorType(checking: x.elementType, plan.shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    guard let axes = try resampling(site.inputs, site.outputs[0]) else {
      throw OperatorError.unsupported("scales or sizes that are not known before the run")
    }
    return ResizeKernel(
      elementType: site.outputs[0].elementType, axes: axes, extrapolation: rule.extrapolation
    ).kernel
  }

  /// What each element of each axis of the output is mixed of, or `nil` when constants do not tell.
  func resampling(_ inputs: [Operand?], _ output: TensorType) throws -> [AxisResampling]? {
    guard let plan = try plan(inputs) else { return nil }
    let shape = try inputs.required(0).shape
    return shape.indices.map { axis in
      AxisResampling(
        rule, input: shape[axis], output: plan.shape[axis], scale: plan.scales[axis],
        region: plan.regions[axis])
    }
  }

  /// What scales, sizes and region of interest amount to, or `nil` when they are not constants.
  private func plan(_ inputs: [Operand?]) throws -> ResizePlan? {
    let x = try inputs.required(0)
    let scalesPlace = opset >= 11 ? 2 : 1
    for index in 1..<max(inputs.count, 2) {
      if let operand = inputs.optional(index), operand.constant == nil, operand.type.count > 0 {
        // The region matters to one mode only.
        if opset >= 11, index == 1, rule.coordinates != .cropAndResize { continue }
        return nil
      }
    }
    let chosen = try axes?.map { try $0.axis(ofRank: x.shape.count) }
    var plan = ResizePlan(shape: x.shape, axes: chosen ?? Array(x.shape.indices))
    if let scales = try inputs.values(scalesPlace, as: \.floats, .float32) {
      try plan.apply(scales: scales)
    } else if opset >= 11, let sizes = try inputs.values(3, as: \.integers, .int64) {
      try plan.apply(sizes: sizes, policy: aspectPolicy)
    } else {
      throw OperatorError.unsupported("neither scales nor sizes")
    }
    if rule.coordinates == .cropAndResize {
      guard let region = try inputs.values(1, as: \.floats, .float32) else {
        throw OperatorError.unsupported("tf_crop_and_resize without a region of interest")
      }
      try plan.apply(region: region)
    }
    return plan
  }

  /// See ``AxisMixAdjoint``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    guard let axes = try resampling(derivation.inputs, derivation.outputs[0]) else {
      throw OperatorErrors.dynamicTypes
    }
    return [try derivation.adjoint(of: axes)]
  }
}

extension [Operand?] {
  /// The constant elements of an optional input; `nil` when omitted or empty.
  fileprivate func values<Value>(
    _ index: Int, as elements: (Tensor) -> [Value], _ type: ElementType
  ) throws -> [Value]? {
    guard let operand = optional(index), let constant = operand.constant, constant.count > 0
    else { return nil }
    try operand.check(index, holds: type)
    try operand.check(index, rank: 1...1)
    return elements(constant)
  }
}

extension Resize: ChannelOperator {
  /// Channels pass when only the axes behind theirs are resized.
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    inputs[0]?.shape.prefix(2) == outputs[0].shape.prefix(2) ? .perChannel(parameters: []) : nil
  }

  /// Sizes name all extents; scales do not change.
  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    guard opset >= 11, axes == nil, let sizes = removal.inputs.optional(3), sizes.type.count > 0
    else { return ChannelAdjustment() }
    return ChannelAdjustment(operands: [3: Tensor(removal.shape().map(Int64.init))])
  }
}

extension Resize: QuantizableOperator, DistributionOperator, TargetShapeOperator {
  static var quantizationRole: QuantizationRole { .layout }

  var elementMotion: ElementMotion { rule.mode == .nearest ? .moved : .mixed }

  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .kept }

  static var targetShapeInput: Int { 3 }
}
