import CZlib
import Foundation
import Tensors

/// A dataset of an HDF5 file: its type, its extents and where its elements lie.
struct HDF5Dataset {
  private enum Layout {
    case compact(HDF5Bytes)
    case contiguous(address: UInt64, size: UInt64)
    case chunked(tree: UInt64, chunk: [Int])
  }

  private enum Filter { case deflate, shuffle }

  /// The extent of each axis.
  let shape: [Int]
  private let bytes: HDF5Bytes
  private let path: String
  private let datatype: HDF5Bytes
  private let layout: Layout
  private let filters: [Filter]

  /// Reads the messages of a dataset's object header.
  init(_ messages: [HDF5Reader.Message], in bytes: HDF5Bytes, path: String) throws {
    func body(_ type: UInt64, _ name: String) throws -> HDF5Bytes {
      guard let message = messages.first(where: { $0.type == type }) else {
        throw PlacedError(path, "has no \(name)")
      }
      return message.body
    }
    self.bytes = bytes
    self.path = path
    shape = try Self.extents(try body(0x01, "dataspace"), path: path)
    datatype = try body(0x03, "datatype")
    layout = try Self.layout(try body(0x08, "layout"), shape: shape, path: path)
    filters =
      try messages.first { $0.type == 0x0b }.map {
        try Self.filters($0.body, path: path)
      } ?? []
  }

  private static func extents(_ message: HDF5Bytes, path: String) throws -> [Int] {
    let rank = try message.number(1, 1)
    guard try message.number(0, 1) == 1, rank <= 32 else {
      throw PlacedError(path, "has a dataspace of an unknown version")
    }
    let extents = try (0..<rank).map { try message.number(8 + 8 * $0, 8) }
    return try Tensor.extents(extents.map { Int64(clamping: $0) }, place: path)
  }

  private static func layout(_ message: HDF5Bytes, shape: [Int], path: String) throws -> Layout {
    guard try message.number(0, 1) == 3 else {
      throw PlacedError(path, "has a layout of an unknown version")
    }
    switch try message.number(1, 1) {
    case 0: return .compact(try message.slice(4, count: try message.number(2, 2)))
    case 1:
      return .contiguous(address: try message.number(2, 8), size: try message.number(10, 8))
    case 2:
      guard try message.number(2, 1) == UInt64(shape.count + 1) else {
        throw PlacedError(path, "has chunks of another rank")
      }
      let chunk = try (0..<UInt64(shape.count)).map { Int(try message.number(11 + 4 * $0, 4)) }
      guard zip(chunk, shape).allSatisfy({ $0 > 0 && $0 <= $1 }) else {
        throw PlacedError(path, "of shape \(shape) has chunks of shape \(chunk)")
      }
      return .chunked(tree: try message.number(3, 8), chunk: chunk)
    default: throw PlacedError(path, "has an unknown layout")
    }
  }

  private static func filters(_ message: HDF5Bytes, path: String) throws -> [Filter] {
    guard try message.number(0, 1) == 1 else {
      throw PlacedError(path, "has filters of an unknown version")
    }
    var offset: UInt64 = 8
    var filters: [Filter] = []
    for _ in 0..<(try message.number(1, 1)) {
      switch try message.number(offset, 2) {
      case 1: filters.append(.deflate)
      case 2: filters.append(.shuffle)
      case let id: throw PlacedError(path, "has the unknown filter \(id)")
      }
      let (name, values) = (
        try message.number(offset, 2, after: 2), try message.number(offset, 2, after: 6)
      )
      offset += 8 + (name + 7) / 8 * 8 + (values + values % 2) * 4
    }
    return filters
  }

  /// The extent of the first axis, 0 when there is none.
  var length: Int { shape.first ?? 0 }

  /// The elements, which must be of exactly this type.
  ///
  /// - Throws: ``PlacedError``.
  func read(as type: TensorType, budget: ExpansionBudget) throws -> Tensor {
    let stored = HDF5ElementType.storage(of: type)
    guard shape == stored.shape, try HDF5ElementType.matches(stored.elementType, datatype) else {
      throw PlacedError(path, "is not a dataset of type \(stored)")
    }
    try budget.spend(type.byteCount, place: path)
    let tensor = Tensor(zeros: type)
    let memory = tensor.rawBytes
    switch layout {
    case .compact(let body):
      guard body.count == memory.count else { throw PlacedError(path, "is cut short") }
      body.withUnsafeBytes { memory.copyMemory(from: $0) }
    case .contiguous(let address, let size):
      guard memory.count > 0 else { break }
      guard size == UInt64(memory.count) else { throw PlacedError(path, "is cut short") }
      try bytes.slice(address, count: size).withUnsafeBytes { memory.copyMemory(from: $0) }
    case .chunked(let tree, let chunk):
      let width = stored.elementType.bitWidth / 8
      try readChunks(tree, ChunkGrid(shape: shape, chunk: chunk, width: width), memory, budget)
    }
    return tensor.normalizingBooleans()
  }

  private func readChunks(
    _ tree: UInt64, _ grid: ChunkGrid, _ memory: UnsafeMutableRawBufferPointer,
    _ budget: ExpansionBudget
  ) throws {
    let chunkBytes = TensorType(
      .uint8,
      try Tensor.extents(
        (grid.chunk + [grid.width]).map { Int64($0) }, place: path)
    ).count
    try budget.spend(chunkBytes, place: path)
    var left = grid.chunkCount
    var nodes = bytes.treeNodeLimit
    try visit(tree, level: nil, rank: shape.count, &nodes) { stored in
      left -= 1
      guard left >= 0,
        zip(zip(stored.origin, shape), grid.chunk).allSatisfy({
          $0.0 < $0.1 && $0.0 % $1 == 0
        })
      else { throw PlacedError(path, "has a chunk outside its grid") }
      let elements = try decode(stored, count: chunkBytes, width: grid.width)
      elements.withUnsafeBytes { grid.copy($0, at: stored.origin, to: memory) }
    }
    guard left == 0 else { throw PlacedError(path, "lacks \(left) of its chunks") }
  }

  /// Calls `body` with each chunk under a B-tree node.
  private func visit(
    _ node: UInt64, level expected: UInt64?, rank: Int, _ nodes: inout Int,
    _ body: (StoredChunk) throws -> Void
  ) throws {
    nodes -= 1
    let level = try bytes.number(node, 1, after: 5)
    guard try bytes.text(node, 4) == "TREE", try bytes.number(node, 1, after: 4) == 1,
      level == expected ?? min(level, 8), nodes >= 0
    else { throw PlacedError(path, "has a damaged B-tree") }
    let keyBytes = 8 + 8 * UInt64(rank + 1)
    for entry in 0..<(try bytes.number(node, 2, after: 6)) {
      let key = 24 + (keyBytes + 8) * entry
      let child = try bytes.number(node, 8, after: key + keyBytes)
      if level > 0 {
        try visit(child, level: level - 1, rank: rank, &nodes, body)
        continue
      }
      let origin = try (0..<UInt64(rank)).map {
        Int(clamping: try bytes.number(node, 8, after: key + 8 + 8 * $0))
      }
      let chunk = StoredChunk(
        bytes: try bytes.slice(child, count: try bytes.number(node, 4, after: key)), origin: origin,
        skippedFilters: try bytes.number(node, 4, after: key + 4))
      try body(chunk)
    }
  }

  /// The elements of a chunk of `count` bytes.
  ///
  /// The C library skips a filter that does not make a chunk smaller.
  private func decode(_ stored: StoredChunk, count: Int, width: Int) throws -> [UInt8] {
    var current = stored.bytes.withUnsafeBytes { [UInt8]($0) }
    for (index, filter) in filters.enumerated().reversed()
    where stored.skippedFilters & (1 << UInt64(index)) == 0 {
      switch filter {
      case .deflate:
        var inflated = [UInt8](repeating: 0, count: count)
        var size = uLong(count)
        let status = uncompress(&inflated, &size, current, uLong(current.count))
        guard status == Z_OK, size == uLong(count) else {
          throw PlacedError(path, "has a chunk that does not inflate to its size")
        }
        current = inflated
      case .shuffle: current = Self.unshuffled(current, width: width)
      }
    }
    guard current.count == count else { throw PlacedError(path, "has a chunk of another size") }
    return current
  }

  /// The elements after undoing the shuffle filter: `[i · width + b] = source[b · n + i]`.
  private static func unshuffled(_ source: [UInt8], width: Int) -> [UInt8] {
    var result = source
    let count = source.count / width
    source.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { target in
        for byte in 0..<width {
          for index in 0..<count { target[index * width + byte] = source[byte * count + index] }
        }
      }
    }
    return result
  }
}

/// A chunk as it is stored in the file.
private struct StoredChunk {
  /// The filtered bytes.
  var bytes: HDF5Bytes
  /// The first element of the array that it holds.
  var origin: [Int]
  /// Bit `i` is set where filter `i` was not applied.
  var skippedFilters: UInt64
}

/// How chunks tile an array.
struct ChunkGrid {
  /// The extents of the array.
  var shape: [Int]
  /// The extents of every chunk; those at the far edges reach beyond the array.
  var chunk: [Int]
  /// The bytes of an element.
  var width: Int

  /// The number of chunks.
  var chunkCount: Int { zip(shape, chunk).reduce(1) { $0 * (($1.0 + $1.1 - 1) / $1.1) } }

  /// Copies the part of a chunk that lies inside the array.
  func copy(
    _ source: UnsafeRawBufferPointer, at origin: [Int], to target: UnsafeMutableRawBufferPointer
  ) {
    guard let from = source.baseAddress, let to = target.baseAddress, !shape.isEmpty else { return }
    // A chunk holds the axes after `inner` whole, so its elements along `inner` and the axes after
    // it are contiguous.
    let inner =
      shape.indices.last { axis in
        axis == 0 || shape[axis] != chunk[axis]
      } ?? 0
    let extents = zip(zip(shape, origin), chunk).map { min($1, $0.0 - $0.1) }
    let (chunkStrides, strides) = (chunk.contiguousStrides, shape.contiguousStrides)
    let run = extents[inner] * strides[inner] * width
    var position = [Int](repeating: 0, count: inner)
    while true {
      var (read, write) = (0, origin[inner] * strides[inner])
      for axis in 0..<inner {
        read += position[axis] * chunkStrides[axis]
        write += (origin[axis] + position[axis]) * strides[axis]
      }
      (to + write * width).copyMemory(from: from + read * width, byteCount: run)
      guard let axis = (0..<inner).last(where: { position[$0] + 1 < extents[$0] }) else { return }
      position[axis] += 1
      for later in (axis + 1)..<inner { position[later] = 0 }
    }
  }
}
