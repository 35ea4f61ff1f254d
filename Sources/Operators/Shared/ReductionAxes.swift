import GraphIR

/// The axes of a reduction: an attribute, or an input in newer operator sets.
struct ReductionAxes: Sendable {
  /// Whether a second input may name the axes.
  let areInput: Bool
  private let named: [Int]?
  private let keepsAxes: Bool
  private let foldsNothingByDefault: Bool

  /// The axes of a node; from `inputSince` on they are an input.
  init(_ attributes: Attributes, opset: Int, inputSince: Int = 18) throws {
    areInput = opset >= inputSince
    named = areInput ? nil : try attributes.ints("axes")
    keepsAxes = try attributes.flag("keepdims", default: true)
    foldsNothingByDefault =
      areInput ? try attributes.flag("noop_with_empty_axes", default: false) : false
  }

  /// Which axes of the first input are folded, or `nil` when that is not known yet.
  func folded(_ inputs: [Operand?]) throws -> Set<Int>? {
    let rank = try inputs.required(0).shape.count
    var axes = named ?? []
    if let operand = inputs.optional(1) {
      guard let values = try operand.constantIntegers(1) else { return nil }
      axes = values
    }
    if axes.isEmpty { return foldsNothingByDefault ? [] : Set(0..<rank) }
    return Set(try axes.map { try $0.axis(ofRank: rank) })
  }

  /// The shape of the result.
  func shape(_ shape: [Int], _ folded: Set<Int>) -> [Int] {
    shape.indices.compactMap { axis in
      folded.contains(axis) ? (keepsAxes ? 1 : nil) : shape[axis]
    }
  }
}
