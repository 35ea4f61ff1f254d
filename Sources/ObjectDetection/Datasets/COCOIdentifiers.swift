/// The numbers that ids of one list stand for: themselves, and for texts numbers after the largest.
struct COCOIdentifiers {
  /// Numbers of texts.
  let texts: [String: Int]

  init(_ ids: [COCOIdentifier]) {
    var largest = 0
    for case .number(let number) in ids { largest = max(largest, number) }
    var texts: [String: Int] = [:]
    for case .text(let text) in ids where texts[text] == nil && largest < .max - texts.count - 1 {
      texts[text] = largest + texts.count + 1
    }
    self.texts = texts
  }

  /// The number of an id; `nil` for a text that is not in the list.
  subscript(id: COCOIdentifier) -> Int? {
    switch id {
    case .number(let number): number
    case .text(let text): texts[text]
    }
  }
}
