import GraphIR
import Tensors

/// How a window of taps slides over the spatial axes: the attributes that convolutions and pools
/// share.
struct SlidingWindow: Sendable, Equatable {
  /// How the padding is found.
  enum AutoPad: String, Sendable {
    case notset = "NOTSET"
    case valid = "VALID"
    case sameUpper = "SAME_UPPER"
    case sameLower = "SAME_LOWER"
  }

  /// The window's extents; `nil` when the weights' shape tells them.
  var kernel: [Int]?
  /// The step of each spatial axis; `nil` for 1 everywhere.
  var strides: [Int]?
  /// The distance of two taps; `nil` for 1 everywhere.
  var dilations: [Int]?
  /// The padding before each axis, then after each; `nil` for none.
  var pads: [Int]?
  /// How the padding is found.
  var autoPad: AutoPad
  /// Whether the last window may reach beyond the padding.
  var ceilMode: Bool

  /// Numbers above this are refused, so that sums and products of a few cannot overflow.
  static let largest = 1 << 24

  init(_ attributes: Attributes) throws {
    kernel = try Self.numbers("kernel_shape", attributes, atLeast: 1)
    strides = try Self.numbers("strides", attributes, atLeast: 1)
    dilations = try Self.numbers("dilations", attributes, atLeast: 1)
    pads = try Self.numbers("pads", attributes, atLeast: 0)
    ceilMode = try attributes.flag("ceil_mode", default: false)
    let name = try attributes.string("auto_pad", default: "NOTSET")
    guard let autoPad = AutoPad(rawValue: name.isEmpty ? "NOTSET" : name) else {
      throw AttributeError.invalid(
        name: "auto_pad", reason: "is '\(name)', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    }
    self.autoPad = autoPad
  }

  private static func numbers(
    _ name: String, _ attributes: Attributes, atLeast lowest: Int
  ) throws -> [Int]? {
    guard let values = try attributes.ints(name), !values.isEmpty else { return nil }
    if name == "pads", let negative = values.first(where: { $0 < 0 }) {
      throw AttributeError.invalid(
        name: name,
        reason: "is \(values); ONNX has no negative padding, a Slice does what \(negative) means")
    }
    guard values.allSatisfy({ (lowest...largest).contains($0) }) else {
      throw AttributeError.invalid(
        name: name, reason: "is \(values), expected numbers from \(lowest) to \(largest)")
    }
    return values
  }

  /// The window placed on an input of the given spatial extents.
  ///
  /// - Throws: ``AttributeError`` when an attribute has the wrong number of values,
  ///   ``OperatorError`` when the window is larger than the padded input.
  func placed(on extents: [Int], weights: [Int]? = nil) throws -> PlacedWindow {
    let kernel = weights ?? self.kernel ?? []
    guard kernel.count == extents.count, self.kernel == nil || self.kernel == kernel else {
      throw AttributeError.invalid(
        name: "kernel_shape",
        reason: "is \(self.kernel ?? []), expected \(weights ?? extents.map { _ in 1 })")
    }
    var placed = PlacedWindow(
      extents: extents, kernel: kernel,
      strides: try values("strides", strides, extents.count, default: 1),
      dilations: try values("dilations", dilations, extents.count, default: 1),
      padsBefore: extents.map { _ in 0 }, padsAfter: extents.map { _ in 0 }, outputs: [])
    if autoPad == .notset, let pads {
      let pads = try values("pads", pads, 2 * extents.count, default: 0)
      placed.padsBefore = Array(pads.prefix(extents.count))
      placed.padsAfter = Array(pads.suffix(extents.count))
    }
    for axis in extents.indices {
      if autoPad == .sameUpper || autoPad == .sameLower { pad(&placed, axis) }
      placed.outputs.append(try output(placed, axis))
    }
    return placed
  }

  private func values(
    _ name: String, _ values: [Int]?, _ count: Int, default fallback: Int
  ) throws -> [Int] {
    guard let values else { return [Int](repeating: fallback, count: count) }
    guard values.count == count else {
      throw AttributeError.invalid(name: name, reason: "is \(values), expected \(count) numbers")
    }
    return values
  }

  private func pad(_ placed: inout PlacedWindow, _ axis: Int) {
    let (extent, stride) = (placed.extents[axis], placed.strides[axis])
    let outputs = (extent + stride - 1) / stride
    let total = max(0, (outputs - 1) * stride + placed.reach(axis) - extent)
    let smaller = total / 2
    placed.padsBefore[axis] = autoPad == .sameUpper ? smaller : total - smaller
    placed.padsAfter[axis] = total - placed.padsBefore[axis]
  }

  private func output(_ placed: PlacedWindow, _ axis: Int) throws -> Int {
    let before = placed.padsBefore[axis]
    let (extent, stride) = (placed.extents[axis], placed.strides[axis])
    let room = extent + before + placed.padsAfter[axis] - placed.reach(axis)
    guard extent >= 0, extent <= Self.largest, room >= 0 else {
      throw OperatorError.unsupported(
        "a window of \(placed.reach(axis)) on a spatial axis of \(extent) padded by "
          + "\(before) and \(placed.padsAfter[axis])")
    }
    guard ceilMode else { return room / stride + 1 }
    let outputs = (room + stride - 1) / stride + 1
    return (outputs - 1) * stride >= extent + before ? outputs - 1 : outputs
  }
}

/// A sliding window with its padding and output extents known.
struct PlacedWindow: Sendable, Equatable {
  /// The spatial extents of the input.
  var extents: [Int]
  /// The taps along each axis.
  var kernel: [Int]
  /// The step along each axis.
  var strides: [Int]
  /// The distance of two taps along each axis.
  var dilations: [Int]
  /// The padding before each axis.
  var padsBefore: [Int]
  /// The padding after each axis.
  var padsAfter: [Int]
  /// The spatial extents of the output.
  var outputs: [Int]

  /// What the window covers along one axis, from the first to the last tap.
  func reach(_ axis: Int) -> Int { (kernel[axis] - 1) * dilations[axis] + 1 }
}
