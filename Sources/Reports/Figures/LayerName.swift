/// What figures call a layer.
enum LayerName {
  /// What nearly all names end in.
  private static let endings = [".weight", ".conv", ".bn"]

  /// The end of a name, without what nearly all names end in, at most so many characters long.
  static func short(_ name: String, most count: Int = 18) -> String {
    let name = endings.reduce(name) { $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0 }
    return name.count > count ? "…" + name.suffix(count - 1) : name
  }
}
