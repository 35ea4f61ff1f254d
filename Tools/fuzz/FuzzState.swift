import Foundation

/// What a worker has done, in a file that outlives it: the input it works on, and counts by kind.
package struct FuzzState {
  /// The input being worked on; −1 before the first.
  package var index = -1
  /// The peak of the memory held when a worker ended for it, in bytes; else 0.
  package var memory = 0
  /// Inputs that ended in a result, by kind.
  package var accepted = [Int](repeating: 0, count: FuzzKind.allCases.count)
  /// Inputs that ended in an error, by kind.
  package var refused = [Int](repeating: 0, count: FuzzKind.allCases.count)

  private var words: [Int] { [index, memory] + accepted + refused }

  /// Writes the state at the start of an open file.
  package func write(to descriptor: Int32) {
    words.withUnsafeBytes { _ = pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  /// A state of nothing.
  package init() {}

  /// Reads a state; that of nothing when a worker wrote none.
  package init(path: String) {
    let kinds = FuzzKind.allCases.count
    guard let data = FileManager.default.contents(atPath: path), data.count == 8 * (2 + 2 * kinds)
    else { return }
    let words = data.withUnsafeBytes { Array($0.bindMemory(to: Int.self)) }
    (index, memory) = (words[0], words[1])
    accepted = Array(words[2..<2 + kinds])
    refused = Array(words[(2 + kinds)...])
  }
}
