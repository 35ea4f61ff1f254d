import GraphIR
import Tensors

/// The slices of the data along `axis` that the indices name.
///
/// The indices' axes take the place of `axis`. Indices may count from the end.
struct Gather: PreparedOperator, BlockOperator, DifferentiableOperator {
  static let opType = "Gather"

  let axis: Int

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: 0)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (data, indices) = (try inputs.required(0), try inputs.required(1))
    try data.checkMovable(0)
    try indices.check(1, holdsOneOf: ElementType.indices)
    let axis = try axis.axis(ofRank: data.shape.count)
    let shape = Array(data.shape[..<axis]) + indices.shape + data.shape[(axis + 1)...]
    return [try TensorType(checking: data.elementType, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let data = try site.inputs.required(0)
    let axis = try axis.axis(ofRank: data.shape.count)
    let (outer, extent) = (data.shape[..<axis].product, data.shape[axis])
    let bytes = data.shape[(axis + 1)...].product * data.elementBytes
    let count = try site.inputs.required(1).type.count
    return Kernel(algorithm: "") { call in
      let (data, indices, y) = (try call.input(0), try call.input(1), call.outputs[0])
      for index in 0..<count {
        let named = indices.integer(at: index)
        let place = named < 0 ? named + extent : named
        guard place >= 0, place < extent else {
          throw OperatorErrors.index(named, extent: extent)
        }
      }
      for block in 0..<outer {
        let source = UnsafeRawPointer(data.base) + block * extent * bytes
        let target = y.base + block * count * bytes
        Self.copy(indices, count, extent, bytes, source, target)
      }
    }
  }

  @inline(__always)
  private static func copy(
    _ indices: TensorView, _ count: Int, _ extent: Int, _ bytes: Int,
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
  ) {
    switch bytes {
    case 4: copy(UInt32.self, indices, count, extent, source, target)
    case 8: copy(UInt64.self, indices, count, extent, source, target)
    default:
      for index in 0..<count {
        let named = indices.integer(at: index)
        (target + index * bytes).copyMemory(
          from: source + (named < 0 ? named + extent : named) * bytes, byteCount: bytes)
      }
    }
  }

  @inline(__always)
  private static func copy<Word: BitwiseCopyable>(
    _: Word.Type, _ indices: TensorView, _ count: Int, _ extent: Int,
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
  ) {
    let bytes = MemoryLayout<Word>.size
    for index in 0..<count {
      let named = indices.integer(at: index)
      let place = named < 0 ? named + extent : named
      target.storeBytes(
        of: source.loadUnaligned(fromByteOffset: place * bytes, as: Word.self),
        toByteOffset: index * bytes, as: Word.self)
    }
  }

  /// One known slice of the outermost real axis is a block of the data.
  func blocks(inputs: [Operand?], outputs: [TensorType]) -> BlockLayout? {
    guard let data = inputs.optional(0),
      let indices = inputs.optional(1)?.constant?.integers, indices.count == 1,
      let axis = try? axis.axis(ofRank: data.shape.count),
      data.shape[..<axis].allSatisfy({ $0 == 1 })
    else { return nil }
    let extent = data.shape[axis]
    let place = indices[0] < 0 ? indices[0] + extent : indices[0]
    guard (0..<extent).contains(place) else { return nil }
    return .outputsInInput(offsets: [place * data.shape[(axis + 1)...].product])
  }

  /// Carries the gradient back: `∂data` sums `∂y` over the places the indices name.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let dx = derivation(
      GatherGradient.opType, domain: GatherGradient.domain, derivation.gradient(),
      derivation.input(1),
      attributes: ["axis": .int(try axis.axis(ofRank: shape.count)), "shape": .ints(shape)])
    return [dx, nil]
  }
}

extension Gather: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .rearranged(data: [0])
  }

  /// The indices of what stays, counted in what stays.
  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    let data = removal.inputs[0]?.shape ?? []
    let axis = try axis.axis(ofRank: data.count)
    guard let operand = removal.inputs[1], let indices = operand.constant?.integers,
      let kept = removal.keptInputs[0]?[axis], operand.shape.count <= 1
    else { throw OperatorError.unsupported("indices of more than one axis, or not constant") }
    let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    let stays = operand.shape.isEmpty ? [0] : removal.keptOutputs[0][axis]
    let renumbered = try stays.map { index in
      let place = indices[index] < 0 ? indices[index] + data[axis] : indices[index]
      guard let renumbered = places[place] else {
        throw OperatorError.unsupported("an index of what is removed")
      }
      return Int64(renumbered)
    }
    return ChannelAdjustment(
      operands: [1: Tensor(renumbered, shape: operand.shape.isEmpty ? [] : [renumbered.count])])
  }
}

extension Gather: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
