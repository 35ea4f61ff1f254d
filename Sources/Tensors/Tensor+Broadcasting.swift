extension Tensor {
  /// The elements of a float32 constant that varies along one axis at most of the shape it
  /// broadcasts to, one for each index of that axis.
  ///
  /// `nil` where it varies along another axis or does not fit.
  ///
  /// For the channels of `[N, C, H, W]` with the axis third from the end, shapes `[]`, `[1]`, `[C,
  /// 1, 1]` and `[1, C, 1, 1]` will do; for the columns of a product with the last axis `[]`,
  /// `[1]`, `[C]` and `[1, C]`.
  ///
  /// - Parameters:
  ///   - count: The extent of the axis.
  ///   - axis: The axis, counted from the end; 1 is the last.
  public func numbers(along axis: Int, count: Int) -> [Float]? {
    guard elementType == .float32 else { return nil }
    if self.count == 1 { return Array(repeating: floats[0], count: count) }
    let place = shape.count - axis
    let fits = shape.indices.allSatisfy { shape[$0] == ($0 == place ? count : 1) }
    return fits && self.count == count ? floats : nil
  }
}
