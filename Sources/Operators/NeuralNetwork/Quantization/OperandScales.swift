import GraphIR
import Kernels
import Tensors

/// Which scale and zero point belong to which element of a factor of a product: one pair for all,
/// or one for each index of an axis, in each matrix of a stack the same or its own.
struct OperandScales: Sendable {
  private let shape: [Int]
  /// How far the pair moves along each axis.
  private let strides: [Int]

  /// The pairs of an operand.
  ///
  /// - Parameters:
  ///   - shape: Of the operand.
  ///   - pairs: The shape that the scales have: one number, `[extent]` of the axis, or that of the
  ///     operand with extent 1 along the other axis of its matrices.
  ///   - axis: The axis; `nil` where one number must do.
  /// - Throws: `OperatorError` when the shapes do not fit.
  init(shape: [Int], pairs: [Int], axis: Int?, input: Int) throws {
    self.shape = shape
    if pairs.product == 1 {
      strides = shape.map { _ in 0 }
      return
    }
    guard let axis, let place = try? axis.axis(ofRank: shape.count) else {
      throw OperatorError.shape(input: input, found: pairs, reason: "is not one number")
    }
    let full =
      pairs.count == 1
      ? shape.indices.map { $0 == place ? pairs[0] : 1 } : pairs
    let fits =
      full.count == shape.count
      && shape.indices.allSatisfy { index in
        let isMatrix = index >= shape.count - 2
        return full[index] == shape[index] && (!isMatrix || index == place) || full[index] == 1
      }
    guard fits else {
      throw OperatorError.incompatible(
        [shape, pairs],
        reason: "do not fit: scales are one number or one for each index of axis \(place)")
    }
    strides = zip(full, full.contiguousStrides).map { $0 == 1 ? 0 : $1 }
  }

  /// Whether one pair serves all elements.
  var isSingle: Bool { strides.allSatisfy { $0 == 0 } }

  /// Writes the floats of an operand.
  ///
  /// - Precondition: `scales` and `zeros`, where given, are laid out as the pairs.
  func dequantize(
    _ x: TensorView, _ scales: UnsafeMutableBufferPointer<Float>, _ zeros: QuantizedView?,
    to target: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let isSigned = x.elementType == .int8
    guard let width = shape.last, !isSingle else {
      let parameters = QuantizationParameters(scale: scales[0], zeroPoint: zeros?[0] ?? 0)
      return QuantizedElements.dequantize(
        x.base, to: target, count: x.count, parameters, isSigned: isSigned, pool: pool)
    }
    let source = QuantizedView(x)
    let hasOneZero = (zeros?.count ?? 1) == 1
    pool.forEach(width == 0 ? 0 : x.count / width) { row in
      let first = pair(ofRow: row)
      for column in 0..<width {
        let pair = first + column * strides[strides.count - 1]
        target[row * width + column] = QuantizationParameters(
          scale: scales[pair], zeroPoint: zeros?[hasOneZero ? 0 : pair] ?? 0
        ).float(source[row * width + column])
      }
    }
  }

  /// The pair of a row's first element.
  private func pair(ofRow row: Int) -> Int {
    var (row, pair) = (row, 0)
    for axis in shape.indices.dropLast().reversed() {
      pair += row % shape[axis] * strides[axis]
      row /= shape[axis]
    }
    return pair
  }
}
