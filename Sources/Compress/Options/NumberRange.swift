import ArgumentParser

/// The integers that an option or a key of a recipe takes: the one place that knows how far each
/// goes.
struct NumberRange {
  private let numbers: ClosedRange<Int>

  private init(_ numbers: ClosedRange<Int>) { self.numbers = numbers }

  /// Threads to compute with.
  static let threads = NumberRange(1...256)
  /// Things that are counted, at least one: images, batches, epochs between validations, starts,
  /// iterations.
  static let counts = NumberRange(1...1_000_000)
  /// Things that are counted, none included: epochs, runs to warm up.
  static let countsOrNone = NumberRange(0...1_000_000)
  /// Scenes that are drawn.
  static let scenes = NumberRange(1...10_000_000)
  /// Numbers of scenes; the last scene of the longest set has a number too.
  static let sceneNumbers = NumberRange(0...1 << 40)
  /// Rows and columns of a made image.
  static let sides = NumberRange(32...4096)
  /// Bits of a quantised number.
  static let bits = NumberRange(2...8)
  /// Runs of a sweep, at a time or by seed, and rounds of pruning.
  static let repetitions = NumberRange(1...1000)

  /// Whether a number is among them.
  func contains(_ value: Int) -> Bool { numbers.contains(value) }

  /// Refuses numbers that are not among them; `nil` is an option that was not given.
  ///
  /// - Throws: `ValidationError` that names the option.
  func check(_ options: (flag: String, value: Int?)...) throws {
    for (flag, value) in options {
      if let value, !contains(value) {
        throw ValidationError("\(flag) must \(rule), found \(value).")
      }
    }
  }

  /// What the numbers must do, as in "must lie between 1 and 256".
  var rule: String { "lie between \(numbers.lowerBound) and \(numbers.upperBound)" }
}
