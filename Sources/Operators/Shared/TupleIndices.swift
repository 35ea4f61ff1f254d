import GraphIR
import Tensors

/// The indices of `GatherND` and `ScatterND`: rows of numbers that each name a block of the data by
/// its place along the first axes behind the batch.
struct TupleIndices: Sendable {
  /// The rows.
  let count: Int
  /// The elements of a block.
  let blockCount: Int
  /// The numbers in a row.
  let depth: Int
  /// The extents of what the rows are arranged in.
  let rows: [Int]
  /// The extents of a block.
  let block: [Int]
  private let extents: [Int]
  private let strides: [Int]
  private let rowsPerBatch: Int
  private let batchStride: Int

  /// Checks indices `[…, depth]` against data whose first `batch` axes they share.
  init(_ indices: Operand, data: Operand, batch: Int) throws {
    try indices.check(1, holdsOneOf: ElementType.indices)
    func misfit(_ reason: String) -> OperatorError {
      .incompatible([data.shape, indices.shape], reason: reason)
    }
    guard let depth = indices.shape.last, !data.shape.isEmpty else {
      throw misfit("are not data and rows of indices")
    }
    guard (0..<indices.shape.count).contains(batch), batch + depth <= data.shape.count,
      depth > 0, data.shape.prefix(batch) == indices.shape.prefix(batch)
    else { throw misfit("do not fit as data and rows of indices behind \(batch) batch axes") }
    self.depth = depth
    rows = indices.shape.dropLast()
    block = Array(data.shape[(batch + depth)...])
    count = rows.product
    blockCount = block.product
    extents = Array(data.shape[batch..<batch + depth])
    let all = data.shape.contiguousStrides
    strides = Array(all[batch..<batch + depth])
    rowsPerBatch = rows[batch...].product
    batchStride = data.shape[batch...].product
  }

  /// The first element of the block that a row names.
  ///
  /// - Throws: `OperatorError.unsupported` when a number lies beyond its axis.
  func place(_ indices: TensorView, row: Int) throws -> Int {
    var place = row / rowsPerBatch * batchStride
    for index in 0..<depth {
      let named = indices.integer(at: row * depth + index)
      let number = named < 0 ? named + extents[index] : named
      guard number >= 0, number < extents[index] else {
        throw OperatorErrors.index(named, extent: extents[index])
      }
      place += number * strides[index]
    }
    return place
  }
}
