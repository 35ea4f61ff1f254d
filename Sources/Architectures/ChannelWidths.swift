extension ArchitectureOptions {
  /// A number of channels times the width multiplier, rounded to a multiple of 8 as in MobileNet:
  /// never below nine tenths of the product, and at least 8.
  func channels(_ count: Double) -> Int {
    let wanted = count * width
    var rounded = max(8, Int((wanted / 8).rounded()) * 8)
    if Double(rounded) < 0.9 * wanted { rounded += 8 }
    return rounded
  }

  /// A number of repetitions times the depth multiplier, at least 1.
  func repetitions(_ count: Double) -> Int { max(1, Int((count * depth).rounded())) }

  /// Checks that the input size is a multiple of the largest stride.
  ///
  /// - Throws: ``ArchitectureError``.
  func check(stride: Int = 32) throws {
    guard imageSize >= stride, imageSize % stride == 0 else {
      throw ArchitectureError.imageSize(imageSize, stride: stride)
    }
    guard !classes.isEmpty else { throw ArchitectureError.noClasses }
    for (name, factor) in [("width", width), ("depth", depth)] {
      guard factor > 0, factor <= Self.largestFactor else {
        throw ArchitectureError.factor(name: name, value: factor)
      }
    }
  }
}

extension ArchitectureOptions {
  /// The largest width and depth that are built.
  static let largestFactor = 16.0
}
