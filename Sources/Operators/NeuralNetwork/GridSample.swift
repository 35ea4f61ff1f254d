import GraphIR
import Tensors

/// The input read at the places that a grid names, between elements as `mode` mixes them.
///
/// Inputs: x `[N, C, D₁, …, Dᵣ]`, r from 1 to 3, and a grid `[N, O₁, …, Oᵣ, r]` of places, the last
/// axis of x first, where −1 and 1 are the outer elements' centres (`align_corners`) or borders.
/// Output: `[N, C, O₁, …, Oᵣ]`.
///
/// Reference: Jaderberg et al., *Spatial Transformer Networks*, NIPS 2015, arXiv:1506.02025.
struct GridSample: PreparedOperator, DifferentiableOperator {
  static let opType = "GridSample"

  /// What is mixed.
  enum Mode: Sendable { case nearest, linear, cubic }

  /// What lies outside of the input.
  enum Padding: String, Sendable { case zeros, border, reflection }

  let mode: Mode
  let padding: Padding
  let alignsCorners: Bool

  init(attributes: Attributes, opset: Int) throws {
    let name = try attributes.string("mode", default: opset < 20 ? "bilinear" : "linear")
    switch name {
    case "nearest": mode = .nearest
    case "linear", "bilinear": mode = .linear
    case "cubic", "bicubic": mode = .cubic
    default: throw AttributeError.invalid(name: "mode", reason: "is '\(name)', which is not known")
    }
    let padding = try attributes.string("padding_mode", default: "zeros")
    guard let padding = Padding(rawValue: padding) else {
      throw AttributeError.invalid(
        name: "padding_mode", reason: "is '\(padding)', expected zeros, border or reflection")
    }
    self.padding = padding
    alignsCorners = try attributes.flag("align_corners", default: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (x, grid) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 3...5)
    try grid.check(1, holds: x.elementType)
    let axes = x.shape.count - 2
    guard grid.shape.count == axes + 2, grid.shape[0] == x.shape[0], grid.shape[axes + 1] == axes,
      x.shape[2...].allSatisfy({ (1...SlidingWindow.largest).contains($0) })
    else {
      throw OperatorError.incompatible(
        [x.shape, grid.shape], reason: "do not fit as values and a grid of places")
    }
    return [
      try TensorType(
        checking: x.elementType, Array(x.shape[..<2]) + grid.shape.dropFirst().dropLast())
    ]
  }

  /// How an input of a shape is read.
  func plan(_ shape: [Int]) -> GridPlan {
    let axes = (2..<shape.count).map { axis in
      GridAxis(
        extent: shape[axis], stride: shape[(axis + 1)...].product, mode: mode, padding: padding,
        alignsCorners: alignsCorners)
    }
    return GridPlan(axes: axes, channels: shape[1], area: shape[2...].product)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let plan = plan(try site.inputs.required(0).shape)
    return Kernel(algorithm: "", scratchBytes: site.threadCount * plan.scratchBytes) { call in
      call.outputs[0].elementType == .float32
        ? try plan.run(call, Float.self) : try plan.run(call, Double.self)
    }
  }

  /// Carries the gradient back to x, see ``GridSampleGradient``.
  ///
  /// - Throws: ``OperatorError/unsupported(_:)`` when a gradient of the grid is asked for.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    guard !derivation.wants(1) else {
      throw OperatorError.unsupported("a derivative of its grid")
    }
    var attributes = derivation.node.attributes
    attributes["shape"] = .ints(try derivation.type(0).shape)
    attributes["opset"] = .int(derivation.opset)
    return [
      derivation(
        GridSampleGradient.opType, domain: GridSampleGradient.domain, derivation.gradient(),
        derivation.input(1), attributes: attributes), nil,
    ]
  }
}

extension GridSample: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}
