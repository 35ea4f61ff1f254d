import Tensors

/// The label of each element of a value, kept along the axes on which labels differ.
struct LabelTensor: Equatable {
  /// The shape of the value.
  let shape: [Int]
  /// The extent of each axis on which labels differ, 1 for the others.
  private(set) var extents: [Int]
  /// Labels in row-major order of ``extents``.
  private(set) var labels: [Int32]

  /// The label of values that belong to no channel and stay.
  static let none: Int32 = 0

  /// One label for all elements.
  init(_ label: Int32 = none, shape: [Int]) {
    self.shape = shape
    extents = shape.map { _ in 1 }
    labels = [label]
  }

  /// A label for each index of one axis.
  init(_ labels: [Int32], along axis: Int, shape: [Int]) {
    precondition(labels.count == shape[axis])
    self.init(labels, extents: shape.indices.map { $0 == axis ? shape[axis] : 1 }, shape: shape)
  }

  /// Labels along the axes whose extent is not 1.
  ///
  /// Axes on which they do not differ are folded.
  init(_ labels: [Int32], extents: [Int], shape: [Int]) {
    self.shape = shape
    self.extents = extents
    self.labels = labels
    fold()
  }

  /// The axes on which labels differ.
  var varyingAxes: [Int] { extents.indices.filter { extents[$0] > 1 } }

  /// Whether nothing here belongs to a channel.
  var isUnlabelled: Bool { labels.count == 1 && labels[0] == Self.none }

  /// Drops axes on which all labels are equal.
  private mutating func fold() {
    for axis in extents.indices where extents[axis] > 1 {
      let inner = extents[(axis + 1)...].reduce(1, *)
      let block = inner * extents[axis]
      let isUniform = stride(from: 0, to: labels.count, by: block).allSatisfy { start in
        (start + inner..<start + block).allSatisfy { labels[$0] == labels[$0 - inner] }
      }
      guard isUniform else { continue }
      labels = stride(from: 0, to: labels.count, by: block).flatMap { labels[$0..<$0 + inner] }
      extents[axis] = 1
    }
    if shape.contains(0) { (labels, extents) = ([Self.none], shape.map { _ in 1 }) }
  }

  /// The labels, each replaced by another one.
  func mapped(_ change: (Int32) -> Int32) -> LabelTensor {
    LabelTensor(labels.map(change), extents: extents, shape: shape)
  }

  /// The same labels for a value of another shape of equal rank; extents may differ where labels do
  /// not.
  func reshapedUniformAxes(to shape: [Int]) -> LabelTensor {
    LabelTensor(labels, extents: extents, shape: shape)
  }

  /// The first label along each of `axes`.
  ///
  /// The extents of these axes become 1, or the axes are removed, to give `shape`.
  func reduced(along axes: [Int], to shape: [Int]) -> LabelTensor {
    let kept = indices { index in axes.allSatisfy { index[$0] == 0 } }
    var left = extents
    for axis in axes { left[axis] = 1 }
    if shape.count < left.count {
      left = left.indices.filter { !axes.contains($0) }.map { left[$0] }
    }
    return LabelTensor(kept.map { labels[$0] }, extents: left, shape: shape)
  }

  /// The positions in ``labels`` whose index along each axis fulfils a condition.
  private func indices(where condition: ([Int]) -> Bool) -> [Int] {
    var index = extents.map { _ in 0 }
    return labels.indices.filter { _ in
      defer { Self.advance(&index, extents) }
      return condition(index)
    }
  }

  private static func advance(_ index: inout [Int], _ extents: [Int]) {
    for axis in extents.indices.reversed() {
      index[axis] += 1
      if index[axis] < extents[axis] { return }
      index[axis] = 0
    }
  }

  /// The labels in lines along one axis: for each index of it, those of all other positions.
  func slices(along axis: Int) -> [[Int32]] {
    let inner = extents[(axis + 1)...].reduce(1, *)
    var slices = [[Int32]](repeating: [], count: extents[axis])
    for (place, label) in labels.enumerated() {
      slices[place / inner % extents[axis]].append(label)
    }
    return slices
  }

  /// One label for each index of an axis, the first of its slice.
  func line(along axis: Int) -> [Int32] {
    extents[axis] == 1
      ? [Int32](repeating: labels[0], count: shape[axis]) : slices(along: axis).map { $0[0] }
  }

  /// For each axis, the indices whose slice has a label that stays.
  func kept(_ stays: (Int32) -> Bool) -> [[Int]] {
    shape.indices.map { axis in
      guard extents[axis] > 1 else {
        return labels.contains(where: stays) ? Array(0..<shape[axis]) : []
      }
      return slices(along: axis).enumerated().filter { $1.contains(where: stays) }.map(\.offset)
    }
  }

  // MARK: Elements

  /// Labels as the elements of a tensor, so that an operator can move them.
  ///
  /// float32 holds labels exactly up to 2²⁴.
  var elements: Tensor {
    let strides = zip(extents.contiguousStrides, extents).map { $1 > 1 ? $0 : 0 }
    let result = Tensor(uninitialized: TensorType(.float32, shape))
    result.view.elements(as: Float.self).withMemoryRebound(to: Float.self) { memory in
      var index = shape.map { _ in 0 }
      let last = shape.last ?? 1
      for start in stride(from: 0, to: memory.count, by: max(last, 1)) {
        let base = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
        let step = strides.last ?? 0
        for offset in 0..<last { memory[start + offset] = Float(labels[base + offset * step]) }
        guard index.count > 1 else { continue }
        var outer = Array(index.dropLast())
        Self.advance(&outer, Array(shape.dropLast()))
        index = outer + [0]
      }
    }
    return result
  }

  /// The labels in a tensor that an operator has moved.
  init(elements: Tensor) {
    self.init(
      elements.withUnsafeElements(as: Float.self) { $0.map { Int32($0) } },
      extents: elements.shape, shape: elements.shape)
  }

  // MARK: Broadcasting

  /// Visits the labels of several values broadcast to one shape; returns the extents that were
  /// visited.
  static func forEach(
    _ values: [LabelTensor], in shape: [Int], _ visit: ([Int32]) -> Void
  ) -> [Int] {
    let aligned = values.map {
      Array(repeating: 1, count: shape.count - $0.extents.count) + $0.extents
    }
    let extents = shape.indices.map { axis in aligned.map { $0[axis] }.max() ?? 1 }
    let strides = aligned.map { own in
      zip(own.contiguousStrides, own).map { $1 > 1 ? $0 : 0 }
    }
    var index = extents.map { _ in 0 }
    for _ in 0..<extents.reduce(1, *) {
      visit(
        zip(values, strides).map { value, strides in
          value.labels[zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }]
        })
      advance(&index, extents)
    }
    return extents
  }
}
