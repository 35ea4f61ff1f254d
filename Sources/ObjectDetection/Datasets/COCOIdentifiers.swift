/// The numbers that ids of one list stand for: themselves, and those of texts.
///
/// A text of digits stands for its number, other texts for numbers after the largest.
struct COCOIdentifiers {
  /// Numbers of texts.
  let texts: [String: Int]

  init(_ ids: [COCOIdentifier]) {
    var largest = 0
    for case .number(let number) in ids.map(Self.plain) { largest = max(largest, number) }
    var texts: [String: Int] = [:]
    var next = largest
    for case .text(let text) in ids where texts[text] == nil {
      if let number = Int(text) {
        texts[text] = number
      } else if next < .max {
        next += 1
        texts[text] = next
      }
    }
    self.texts = texts
  }

  /// The number of an id; `nil` for a text that neither is in the list nor of digits.
  subscript(id: COCOIdentifier) -> Int? {
    switch id {
    case .number(let number): number
    case .text(let text): texts[text] ?? Int(text)
    }
  }

  private static func plain(_ id: COCOIdentifier) -> COCOIdentifier {
    if case .text(let text) = id, let number = Int(text) { .number(number) } else { id }
  }
}
