import Foundation

/// Text files bent word by word: numbers, keys, quotes, brackets and lines.
public enum TextMutation {
  private static let words = [
    "null", "true", "[]", "{}", "\"\"", "\"x\"", "-1", "1e400", "nan", ".inf", "{", "}", "[", "]",
    "<", ">", "&", "'", "\"", ":", ",", "\n", "\r\n", "\t", "\u{feff}", "🙂", "\0", "- ", "../..",
    "/", "0x10", "*a", "&a", "<!DOCTYPE x>", "<object>", "</object>", "\\u0000", "\\",
  ]

  /// A copy with one to three words changed.
  ///
  /// Mostly a number becomes another number and a name another name, so that the text still parses.
  public static func apply(to data: Data, using random: inout SplitMix64) -> Data {
    var words = split(data)
    for _ in 0..<Int.random(in: 1...3, using: &random) where !words.isEmpty {
      let isGentle = Int.random(in: 0..<4, using: &random) > 0
      let named = words.indices.filter { isNumber(words[$0]) || isName(words[$0]) }
      let index =
        (isGentle ? named.randomElement(using: &random) : nil)
        ?? Int.random(in: words.indices, using: &random)
      if isGentle, isNumber(words[index]) {
        words[index] = number(&random)
      } else if isGentle, isName(words[index]) {
        let names = named.filter { isName(words[$0]) }
        words[index] = words[names.randomElement(using: &random) ?? index]
      } else {
        bend(&words, index, &random)
      }
    }
    return Data(words.joined())
  }

  private static func bend(_ words: inout [[UInt8]], _ index: Int, _ random: inout SplitMix64) {
    let word = Array((Self.words.randomElement(using: &random) ?? "").utf8)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: words.remove(at: index)
    case 1: words.insert(words[index], at: index)
    case 2: words.swapAt(index, Int.random(in: words.indices, using: &random))
    case 3: words[index] = word
    case 4: words.insert(word, at: index)
    default:
      let place = Int.random(in: words[index].indices, using: &random)
      words[index][place] = UInt8.random(in: 0...255, using: &random)
    }
  }

  private static func number(_ random: inout SplitMix64) -> [UInt8] {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: Array("\(Edge.float(&random))".utf8)
    case 1...3: Array("\(Double.random(in: -2...40, using: &random))".utf8)
    default: Array("\(Int64(bitPattern: Edge.integer(&random)))".utf8)
    }
  }

  private static func isNumber(_ word: [UInt8]) -> Bool {
    word.first.map { $0 >= 48 && $0 <= 57 } ?? false
  }

  private static func isName(_ word: [UInt8]) -> Bool {
    word.first.map { $0 >= 65 && $0 <= 90 || $0 >= 97 && $0 <= 122 } ?? false
  }

  /// Runs of letters, of digits and of the rest, so that joining them gives the text back.
  private static func split(_ data: Data) -> [[UInt8]] {
    func kind(_ byte: UInt8) -> Int {
      switch byte {
      case 48...57, 46, 45: 0
      case 65...90, 97...122, 95, 128...: 1
      default: 2 + Int(byte)
      }
    }
    var words: [[UInt8]] = []
    for byte in data {
      if let last = words.last?.last, kind(last) == kind(byte) {
        words[words.count - 1].append(byte)
      } else {
        words.append([byte])
      }
    }
    return words
  }
}
