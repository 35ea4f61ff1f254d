/// The numbers of the ids in one list.
///
/// A number stands for itself and a text of digits for its number. Other texts get numbers after
/// the largest.
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

  /// The number of an id; `nil` for a text that is not in the list and not of digits.
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
