import GraphIR
import Tensors

/// A convolution whose taps are moved, each place's by its own offsets, and weighed by a mask.
///
/// Inputs: x `[N, C, H, W]`, weights `[O, C / group, kH, kW]`, offsets `[N, offset_group · kH · kW
/// · 2, H′, W′]` (down, then right), optionally a bias `[O]` and a mask `[N, offset_group · kH ·
/// kW, H′, W′]`. What lies between elements is mixed bilinearly, what lies outside is 0.
///
/// Reference: Zhu et al., *Deformable ConvNets v2*, CVPR 2019, arXiv:1811.11168.
struct DeformConv: PreparedOperator, CostedOperator {
  static let opType = "DeformConv"

  let window: SlidingWindow
  let groups: Int
  let offsetGroups: Int

  init(attributes: Attributes, opset: Int) throws {
    window = try SlidingWindow(attributes)
    groups = try attributes.int("group", default: 1)
    offsetGroups = try attributes.int("offset_group", default: 1)
    for (name, value) in [("group", groups), ("offset_group", offsetGroups)] {
      guard (1...SlidingWindow.largest).contains(value) else {
        throw AttributeError.invalid(name: name, reason: "is \(value), expected at least 1")
      }
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...5)
    let (x, w) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 4...4)
    try w.check(1, rank: 4...4)
    let placed = try placed(x.shape, w.shape)
    let taps = offsetGroups * w.shape[2] * w.shape[3]
    let offsets = try inputs.required(2)
    try offsets.check(2, shape: [x.shape[0], taps * 2] + placed.outputs, "the offsets")
    try inputs.optional(3)?.check(3, shape: [w.shape[0]], "the bias")
    try inputs.optional(4)?.check(4, shape: [x.shape[0], taps] + placed.outputs, "the mask")
    for index in 1..<inputs.count { try inputs[index]?.check(index, holds: x.elementType) }
    return [try TensorType(checking: x.elementType, [x.shape[0], w.shape[0]] + placed.outputs)]
  }

  private func placed(_ x: [Int], _ w: [Int]) throws -> PlacedWindow {
    let fits =
      w[1].multipliedReportingOverflow(by: groups) == (x[1], false) && x[1] > 0 && w[0] > 0
      && w[0].isMultiple(of: groups) && x[1].isMultiple(of: offsetGroups)
      && w.allSatisfy { (1...SlidingWindow.largest).contains($0) }
    guard fits else {
      throw OperatorError.shape(
        input: 1, found: w, reason: "does not fit an input of \(x) in \(groups) groups")
    }
    _ = try TensorType(checking: .float64, [offsetGroups, 2, w[2], w[3]])
    return try window.placed(on: Array(x[2...]), weights: Array(w[2...]))
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (x, w) = (try site.inputs.required(0).shape, try site.inputs.required(1).shape)
    let placed = try placed(x, w)
    let columns = try TensorType(
      checking: site.outputs[0].elementType, [w[1], w[2], w[3]] + placed.outputs)
    return Kernel(algorithm: "columns", scratchBytes: columns.byteCount) { call in
      if columns.elementType == .float32 {
        try run(call, placed, x, w, Float.self)
      } else {
        try run(call, placed, x, w, Double.self)
      }
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    outputs[0].count * (inputs[1]?.shape.dropFirst().product ?? 0)
  }

  private func run<Real: MatrixElement>(
    _ call: OperatorCall, _ placed: PlacedWindow, _ x: [Int], _ w: [Int], _: Real.Type
  ) throws {
    let weights = try call.input(1).words(as: Real.self)
    let bias = call.optionalInput(3)?.words(as: Real.self)
    let columns = call.scratch.assumingMemoryBound(to: Real.self)
    let area = placed.outputs.product
    let (depth, rows) = (w[1] * w[2] * w[3], w[0] / groups)
    let product = MatrixProduct(rows: rows, columns: area, depth: depth)
    for image in 0..<x[0] {
      for group in 0..<groups {
        try gather(call, placed, x, image, first: group * w[1], count: w[1], into: columns)
        let y = call.outputs[0].words(as: Real.self) + (image * groups + group) * rows * area
        Real.multiply(
          product, weights + group * rows * depth, columns, into: y, alpha: 1, pool: call.pool)
        guard let bias else { continue }
        for row in 0..<rows {
          for place in 0..<area { y[row * area + place] += bias[group * rows + row] }
        }
      }
    }
  }

  /// Writes what each tap reads of some channels, `[channels, kH, kW, H′, W′]`.
  private func gather<Real: MatrixElement>(
    _ call: OperatorCall, _ placed: PlacedWindow, _ x: [Int], _ image: Int, first: Int, count: Int,
    into columns: UnsafeMutablePointer<Real>
  ) throws {
    let map = try call.input(0).words(as: Real.self) + image * x[1...].product
    let area = placed.outputs.product
    let taps = placed.kernel.product
    let offsets = try call.input(2).words(as: Real.self) + image * offsetGroups * taps * 2 * area
    let mask = call.optionalInput(4)?.words(as: Real.self)
    call.pool.forEach(count * taps) { row in
      let (channel, tap) = (first + row / taps, row % taps)
      let own = channel / (x[1] / offsetGroups) * taps + tap
      let plane = map + channel * x[2] * x[3]
      let shift = (
        y: tap / placed.kernel[1] * placed.dilations[0] - placed.padsBefore[0],
        x: tap % placed.kernel[1] * placed.dilations[1] - placed.padsBefore[1]
      )
      for place in 0..<area {
        let (line, column) = place.quotientAndRemainder(dividingBy: placed.outputs[1])
        let value = Self.sample(
          plane, x[2], x[3],
          y: Real(line * placed.strides[0] + shift.y) + offsets[own * 2 * area + place],
          x: Real(column * placed.strides[1] + shift.x) + offsets[(own * 2 + 1) * area + place])
        let factor = mask.map { $0[(image * offsetGroups * taps + own) * area + place] } ?? 1
        columns[row * area + place] = value * factor
      }
    }
  }

  private static func sample<Real: BinaryFloatingPoint>(
    _ plane: UnsafePointer<Real>, _ height: Int, _ width: Int, y: Real, x: Real
  ) -> Real {
    guard y > -1, x > -1, y < Real(height), x < Real(width) else { return 0 }
    let (top, left) = (y.rounded(.down), x.rounded(.down))
    let (below, right) = (y - top, x - left)
    func element(_ row: Int, _ column: Int) -> Real {
      row < 0 || column < 0 || row >= height || column >= width ? 0 : plane[row * width + column]
    }
    let (row, column) = (Int(top), Int(left))
    return (1 - below) * ((1 - right) * element(row, column) + right * element(row, column + 1))
      + below * ((1 - right) * element(row + 1, column) + right * element(row + 1, column + 1))
  }
}

extension DeformConv: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { [1, 3] }
}
