/// The names of layers in figures.
public enum LayerName {
  /// Common suffixes of names.
  private static let endings = [".weight", ".conv", ".bn"]

  /// The end of a name without common suffixes, at most `count` characters long.
  public static func short(_ name: String, most count: Int = 18) -> String {
    let name = endings.reduce(name) { $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0 }
    return name.count > count ? "…" + name.suffix(count - 1) : name
  }

  /// The ends of several names, longer where they would be equal.
  static func distinct(_ names: [String]) -> [String] {
    var lengths = [Int](repeating: 18, count: names.count)
    while true {
      let texts = zip(names, lengths).map { short($0, most: $1) }
      let counts = Dictionary(texts.map { ($0, 1) }, uniquingKeysWith: +)
      let alike = texts.indices.filter {
        counts[texts[$0], default: 0] > 1 && lengths[$0] < longest
      }
      guard !alike.isEmpty else { return texts }
      for index in alike { lengths[index] += 4 }
    }
  }

  private static let longest = 38
}
