import GraphIR
import Tensors

/// For each index, the data's element at the index's own place, with `axis` replaced by the index.
struct GatherElements: PreparedOperator, DifferentiableOperator {
  static let opType = "GatherElements"

  let axis: Int

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: 0)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (data, indices) = (try inputs.required(0), try inputs.required(1))
    try data.checkMovable(0)
    _ = try AxisIndices(indices, data: data, axis: axis)
    return [TensorType(data.elementType, indices.shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let data = try site.inputs.required(0)
    let walk = try AxisIndices(try site.inputs.required(1), data: data, axis: axis)
    return Kernel(algorithm: "") { call in
      try GatherElementsWork(
        walk: walk, data: try call.input(0), indices: try call.input(1), y: call.outputs[0]
      ).run(width: data.elementBytes)
    }
  }

  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let dx = derivation(
      GatherElementsGradient.opType, domain: GatherElementsGradient.domain, derivation.gradient(),
      derivation.input(1),
      attributes: ["axis": .int(try axis.axis(ofRank: shape.count)), "shape": .ints(shape)])
    return [dx, nil]
  }
}

/// The loop of `GatherElements` for each width of element.
private struct GatherElementsWork: WordWork {
  let walk: AxisIndices
  let data: TensorView
  let indices: TensorView
  let y: TensorView

  func run<Word: BitwiseCopyable>(_: Word.Type) throws {
    let (data, y) = (data.words(as: Word.self), y.words(as: Word.self))
    try walk.forEach(indices) { index, place in y[index] = data[place] }
  }
}
