/// How many bytes of tensors a file may declare without holding them: sparse, deflated and shared ones.
///
/// A file of a few bytes can declare terabytes of zeros. The budget grows with the file, far beyond what pruning
/// reaches, so that only files made to exhaust memory meet it.
final class ExpansionBudget {
  /// What every file may declare, however small.
  static let base = 256 << 20
  /// The bytes each byte of the file may stand for: what deflate reaches on zeros.
  static let ratio = 1024

  private var remaining: Int

  /// The budget of a file of the given size.
  init(fileBytes: Int) {
    remaining = Self.base + min(fileBytes, Int.max / (2 * Self.ratio)) * Self.ratio
  }

  /// Takes `bytes` from the budget.
  ///
  /// - Throws: ``PlacedError`` when less is left.
  func spend(_ bytes: Int, place: String) throws {
    guard bytes <= remaining else {
      throw PlacedError(
        place, "declares \(bytes) bytes, implausibly many for the size of the file")
    }
    remaining -= bytes
  }

  /// Adds what a file beside the model holds.
  func add(fileBytes: Int) { remaining += min(fileBytes, Int.max / 4 - remaining / 2) }
}
