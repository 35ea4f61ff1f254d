import GraphIR
import Tensors

/// The input read at the places that a grid names, between elements as `mode` mixes them.
///
/// Inputs: x `[N, C, D₁, …, Dᵣ]`, r from 1 to 3, and a grid `[N, O₁, …, Oᵣ, r]` of places, the last
/// axis of x first, where −1 and 1 are the outer elements' centres (`align_corners`) or borders.
/// Output: `[N, C, O₁, …, Oᵣ]`.
///
/// Reference: Jaderberg et al., *Spatial Transformer Networks*, NIPS 2015, arXiv:1506.02025.
struct GridSample: PreparedOperator, ChannelOperator {
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

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = try site.inputs.required(0).shape
    let axes = (2..<shape.count).map { axis in
      GridAxis(
        extent: shape[axis], stride: shape[(axis + 1)...].product, mode: mode, padding: padding,
        alignsCorners: alignsCorners)
    }
    let plan = GridPlan(axes: axes, channels: shape[1], area: shape[2...].product)
    return Kernel(algorithm: "", scratchBytes: site.threadCount * plan.scratchBytes) { call in
      call.outputs[0].elementType == .float32
        ? try plan.run(call, Float.self) : try plan.run(call, Double.self)
    }
  }

  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}

/// How places along one axis become elements to mix.
struct GridAxis: Sendable {
  let extent: Int
  let stride: Int
  let mode: GridSample.Mode
  let padding: GridSample.Padding
  let alignsCorners: Bool

  /// The elements mixed into one.
  var taps: Int {
    switch mode {
    case .nearest: 1
    case .linear: 2
    case .cubic: 4
    }
  }

  /// Writes down which elements lie about a place from −1 to 1, and their weights; −1 stands for
  /// zero.
  func mix<Real: BinaryFloatingPoint>(
    _ place: Real, into places: UnsafeMutablePointer<Int>, _ weights: UnsafeMutablePointer<Real>
  ) {
    var x =
      alignsCorners
      ? (place + 1) / 2 * Real(extent - 1) : ((place + 1) * Real(extent) - 1) / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    x = padded(x)
    guard x.isFinite, abs(x) < Real(1 << 26) else {
      for tap in 0..<taps { (places[tap], weights[tap]) = (-1, 0) }
      return
    }
    let first = x.rounded(.down)
    let fraction = x - first
    switch mode {
    case .nearest: weights[0] = 1
    case .linear: (weights[0], weights[1]) = (1 - fraction, fraction)
    case .cubic: for tap in 0..<4 { weights[tap] = cubic(abs(fraction + 1 - Real(tap))) }
    }
    let start = Int(first) - (mode == .cubic ? 1 : 0)
    for tap in 0..<taps { places[tap] = element(start + tap, Real.self) }
  }

  /// The cubic filter with a = −0.75, as PyTorch has it.
  private func cubic<Real: BinaryFloatingPoint>(_ distance: Real) -> Real {
    let (a, x) = (Real(-0.75), distance)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }

  /// A place brought within the input, as far as the padding says so.
  private func padded<Real: BinaryFloatingPoint>(_ x: Real) -> Real {
    switch padding {
    case .zeros: return x
    case .border: return x.isNaN ? 0 : max(0, min(Real(extent - 1), x))
    case .reflection: return reflected(x)
    }
  }

  private func reflected<Real: BinaryFloatingPoint>(_ x: Real) -> Real {
    let low: Real = alignsCorners ? 0 : -0.5
    let range = Real(alignsCorners ? extent - 1 : extent)
    guard x.isFinite, range > 0 else { return 0 }
    guard x < low || x > low + range else { return x }
    let distance = x < low ? low - x : x - low - range
    let turns = (distance / range).rounded(.towardZero)
    let rest = distance - turns * range
    let isBack = (turns.truncatingRemainder(dividingBy: 2) == 0) == (x < low)
    return isBack ? low + rest : low + range - rest
  }

  private func element<Real: BinaryFloatingPoint>(_ place: Int, _: Real.Type) -> Int {
    if place >= 0, place < extent { return place * stride }
    if padding == .zeros { return -1 }
    let inside = padding == .border ? Real(place) : reflected(Real(place))
    return max(0, min(extent - 1, Int(inside.rounded(.towardZero)))) * stride
  }
}

/// The loop of `GridSample`.
struct GridPlan: Sendable {
  let axes: [GridAxis]
  let channels: Int
  /// The elements of one channel.
  let area: Int

  /// The elements mixed into one on all axes together.
  private var taps: Int { axes.reduce(1) { $0 * $1.taps } }
  /// Places and weights along the axes and together.
  var scratchBytes: Int { 16 * (taps + 12) }

  func run<Real: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Real.Type
  ) throws {
    let x = try call.input(0).words(as: Real.self)
    let grid = try call.input(1).words(as: Real.self)
    let y = call.outputs[0].words(as: Real.self)
    let batch = call.outputs[0].shape[0]
    let count = call.outputs[0].shape[2...].product
    let parts = min(call.pool.threadCount, max(batch * count, 1))
    call.pool.forEach(parts) { part in
      let own = call.scratch + part * scratchBytes
      let places = own.assumingMemoryBound(to: Int.self)
      let weights = (own + 8 * (taps + 12)).assumingMemoryBound(to: Real.self)
      for index in batch * count * part / parts..<batch * count * (part + 1) / parts {
        mix(grid + index * axes.count, places, weights)
        let (image, place) = index.quotientAndRemainder(dividingBy: count)
        for channel in image * channels..<(image + 1) * channels {
          var sum: Real = 0
          for tap in 0..<taps where places[tap] >= 0 {
            sum += weights[tap] * x[channel * area + places[tap]]
          }
          y[channel * count + place] = sum
        }
      }
    }
  }

  /// Elements of a channel and their weights for one place of the grid, axis by axis multiplied
  /// out.
  private func mix<Real: BinaryFloatingPoint>(
    _ place: UnsafePointer<Real>, _ places: UnsafeMutablePointer<Int>,
    _ weights: UnsafeMutablePointer<Real>
  ) {
    let (ownPlaces, ownWeights) = (places + taps, weights + taps)
    (places[0], weights[0]) = (0, 1)
    var made = 1
    for (index, axis) in axes.enumerated() {
      axis.mix(place[axes.count - 1 - index], into: ownPlaces, ownWeights)
      for old in (0..<made).reversed() {
        let (start, weight) = (places[old], weights[old])
        for tap in 0..<axis.taps {
          let isOutside = start < 0 || ownPlaces[tap] < 0
          places[old * axis.taps + tap] = isOutside ? -1 : start + ownPlaces[tap]
          weights[old * axis.taps + tap] = weight * ownWeights[tap]
        }
      }
      made *= axis.taps
    }
  }
}
