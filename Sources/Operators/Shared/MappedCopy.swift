import Tensors

/// A copy whose output holds, at each index of each axis, the element at a listed index of the
/// input.
struct MappedCopy: Sendable {
  /// For each axis, the bytes from the input's base for each index of the output.
  private let offsets: [[Int]]
  private let strides: [Int]
  private let elementBytes: Int

  /// A copy of a tensor of `shape` with `maps[axis][i]` the input's index for the output's `i`.
  init(_ maps: [[Int]], shape: [Int], elementBytes: Int) {
    offsets = zip(maps, shape.contiguousStrides).map { map, stride in
      map.map { $0 * stride * elementBytes }
    }
    strides = maps.map(\.count).contiguousStrides.map { $0 * elementBytes }
    self.elementBytes = elementBytes
  }

  /// Copies; the two memories must not overlap.
  func run(from source: TensorView, to target: TensorView, pool: ThreadPool) {
    guard target.count > 0 else { return }
    guard let outer = offsets.first else {
      target.bytes.copyMemory(from: UnsafeRawBufferPointer(source.bytes))
      return
    }
    pool.forEach(outer.count) { index in
      copy(1, UnsafeRawPointer(source.base) + outer[index], target.base + index * strides[0])
    }
  }

  private func copy(
    _ axis: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
  ) {
    guard axis < offsets.count else {
      target.copyMemory(from: source, byteCount: elementBytes)
      return
    }
    if axis == offsets.count - 1, elementBytes == 4 {
      for (index, offset) in offsets[axis].enumerated() {
        target.storeBytes(
          of: source.loadUnaligned(fromByteOffset: offset, as: UInt32.self),
          toByteOffset: index * 4, as: UInt32.self)
      }
      return
    }
    for (index, offset) in offsets[axis].enumerated() {
      copy(axis + 1, source + offset, target + index * strides[axis])
    }
  }
}
