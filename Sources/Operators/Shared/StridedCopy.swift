import Tensors

/// A copy of one block of elements from one strided arrangement to another.
///
/// Axes of extent 1 are dropped, axes that continue one another are merged, and dense innermost
/// axes that fit a machine word are moved as one element, so that every copy becomes the shortest
/// loop nest that does it. Strides may be zero (to repeat) or negative (to reverse) in the source.
struct StridedCopy: Sendable, Equatable {
  /// The extents of the loops, outermost first.
  private(set) var extents: [Int] = []
  /// The bytes from one step of a loop to the next in the source.
  private(set) var sourceSteps: [Int] = []
  /// The bytes from one step of a loop to the next in the target.
  private(set) var targetSteps: [Int] = []
  /// The bytes from the source's base to its first element.
  let sourceOffset: Int
  /// The bytes from the target's base to its first element.
  let targetOffset: Int
  /// The bytes moved at once: 1, 2, 4, 8 or 16.
  private(set) var width: Int
  /// The bytes moved in all.
  private let byteCount: Int

  /// The bytes from which a copy is shared among threads.
  private static let parallelBytes = 1 << 18

  /// A copy of `extents` elements of `elementBytes` bytes; strides and offsets count elements.
  init(
    _ extents: [Int], from sourceStrides: [Int], to targetStrides: [Int], elementBytes: Int,
    sourceOffset: Int = 0, targetOffset: Int = 0
  ) {
    self.sourceOffset = sourceOffset * elementBytes
    self.targetOffset = targetOffset * elementBytes
    width = elementBytes
    byteCount = extents.product * elementBytes
    for (axis, extent) in extents.enumerated() where extent != 1 {
      let source = sourceStrides[axis] * elementBytes
      let target = targetStrides[axis] * elementBytes
      if let last = self.extents.indices.last, sourceSteps[last] == source * extent,
        targetSteps[last] == target * extent
      {
        self.extents[last] *= extent
        (sourceSteps[last], targetSteps[last]) = (source, target)
      } else {
        self.extents.append(extent)
        sourceSteps.append(source)
        targetSteps.append(target)
      }
    }
    widen()
  }

  /// Lets a short dense innermost loop become one wider element.
  private mutating func widen() {
    guard extents.count > 1, let extent = extents.last, sourceSteps.last == width,
      targetSteps.last == width, [2, 4, 8, 16].contains(width * extent)
    else { return }
    width *= extent
    extents.removeLast()
    sourceSteps.removeLast()
    targetSteps.removeLast()
  }

  /// Whether the elements lie in the source as they do in the target, without gaps.
  var isBlock: Bool {
    extents.isEmpty || extents.contains(0)
      || extents.count == 1 && sourceSteps[0] == width && targetSteps[0] == width
  }

  /// The loops over single elements of the given bytes, steps in elements.
  func elementLoops(
    of elementBytes: Int
  ) -> (extents: [Int], sourceSteps: [Int], targetSteps: [Int]) {
    let wide = width / elementBytes
    return (
      extents + (wide > 1 ? [wide] : []),
      sourceSteps.map { $0 / elementBytes } + (wide > 1 ? [1] : []),
      targetSteps.map { $0 / elementBytes } + (wide > 1 ? [1] : [])
    )
  }

  /// Copies; the two memories must not overlap.
  func run(from source: TensorView, to target: TensorView, pool: ThreadPool) {
    run(from: UnsafeRawPointer(source.base), to: target.base, pool: pool)
  }

  /// Copies; the two memories must not overlap.
  func run(
    from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    guard !extents.contains(0) else { return }
    let (source, target) = (source + sourceOffset, target + targetOffset)
    guard let outer = extents.first else {
      copyRun(1, source, 0, target, 0)
      return
    }
    let parts =
      byteCount < Self.parallelBytes
      ? 1 : min(outer, 4 * pool.threadCount, byteCount / (1 << 16))
    pool.forEach(parts) { part in
      let (start, end) = (outer * part / parts, outer * (part + 1) / parts)
      copy(
        0, end - start, source + start * sourceSteps[0], target + start * targetSteps[0])
    }
  }

  private func copy(
    _ axis: Int, _ extent: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
  ) {
    switch extents.count - axis {
    case 1: copyRun(extent, source, sourceSteps[axis], target, targetSteps[axis])
    case 2 where sourceSteps[axis + 1] != width || targetSteps[axis + 1] != width:
      copyPlane(axis, extent, source, target)
    default:
      for index in 0..<extent {
        copy(
          axis + 1, extents[axis + 1], source + index * sourceSteps[axis],
          target + index * targetSteps[axis])
      }
    }
  }

  /// One loop.
  private func copyRun(
    _ extent: Int, _ source: UnsafeRawPointer, _ sourceStep: Int,
    _ target: UnsafeMutableRawPointer, _ targetStep: Int
  ) {
    if sourceStep == width, targetStep == width {
      target.copyMemory(from: source, byteCount: extent * width)
      return
    }
    switch width {
    case 1: move(UInt8.self, extent, source, sourceStep, target, targetStep)
    case 2: move(UInt16.self, extent, source, sourceStep, target, targetStep)
    case 4: move(UInt32.self, extent, source, sourceStep, target, targetStep)
    case 8: move(UInt64.self, extent, source, sourceStep, target, targetStep)
    default: move(SIMD2<UInt64>.self, extent, source, sourceStep, target, targetStep)
    }
  }

  /// Two loops whose inner one is strided, in square tiles so that both sides use whole cache
  /// lines.
  private func copyPlane(
    _ axis: Int, _ extent: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
  ) {
    let tile = 16
    let (rowSource, rowTarget) = (sourceSteps[axis], targetSteps[axis])
    let (inner, innerSource, innerTarget) = (
      extents[axis + 1], sourceSteps[axis + 1], targetSteps[axis + 1]
    )
    guard rowSource == width else {
      for row in 0..<extent {
        copyRun(
          inner, source + row * rowSource, innerSource, target + row * rowTarget, innerTarget)
      }
      return
    }
    for column in stride(from: 0, to: inner, by: tile) {
      let columns = min(tile, inner - column)
      let (from, to) = (source + column * innerSource, target + column * innerTarget)
      for row in 0..<extent {
        copyRun(columns, from + row * rowSource, innerSource, to + row * rowTarget, innerTarget)
      }
    }
  }

  @inline(__always)
  private func move<Word: BitwiseCopyable>(
    _: Word.Type, _ extent: Int, _ source: UnsafeRawPointer, _ sourceStep: Int,
    _ target: UnsafeMutableRawPointer, _ targetStep: Int
  ) {
    if targetStep == MemoryLayout<Word>.size {
      for index in 0..<extent {
        target.storeBytes(
          of: source.loadUnaligned(fromByteOffset: index &* sourceStep, as: Word.self),
          toByteOffset: index &* MemoryLayout<Word>.size, as: Word.self)
      }
      return
    }
    for index in 0..<extent {
      target.storeBytes(
        of: source.loadUnaligned(fromByteOffset: index &* sourceStep, as: Word.self),
        toByteOffset: index &* targetStep, as: Word.self)
    }
  }
}
