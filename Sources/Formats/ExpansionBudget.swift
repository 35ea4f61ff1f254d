import Tensors

/// How many bytes of tensors a file may declare without holding them: sparse, deflated and shared
/// ones.
///
/// A file of a few bytes can declare terabytes of zeros. The budget grows with the file, and is
/// larger than pruned files need: a sparse tensor that keeps one element in three hundred still
/// holds a 64th of its bytes.
final class ExpansionBudget {
  /// What every file may declare, however small.
  static let base = 256 << 20
  /// The declared bytes that each byte of the file allows.
  static let ratio = 64

  private var remaining: Int

  /// The budget of a file of the given size.
  init(fileBytes: Int) {
    let bytes = CheckedInteger(Self.base) + CheckedInteger(fileBytes) * CheckedInteger(Self.ratio)
    remaining = bytes.clamped
  }

  /// Takes `bytes` from the budget.
  ///
  /// - Throws: ``PlacedError`` when less is left.
  func spend(_ bytes: Int, place: String) throws {
    guard bytes <= remaining else {
      throw PlacedError(
        place, "declares \(bytes) bytes, implausibly many for the size of the file")
    }
    do {
      try MachineMemory.require(bytes, for: "its elements")
    } catch {
      throw PlacedError(place, "\(error)")
    }
    remaining -= bytes
  }

  /// Adds what a file beside the model holds.
  func add(fileBytes: Int) {
    remaining = (CheckedInteger(remaining) + CheckedInteger(fileBytes)).clamped
  }
}
