/// Names of classes, of which some are spelt in two ways.
public enum ClassNames {
  /// Pascal VOC's names for classes that COCO calls otherwise, in the form of ``plain(_:)``.
  static let synonyms = [
    "aeroplane": "airplane", "motorbike": "motorcycle", "tvmonitor": "tv", "tv monitor": "tv",
    "sofa": "couch", "diningtable": "dining table", "pottedplant": "potted plant",
  ]

  /// For each name the place of the same class among others; `nil` where there is none.
  ///
  /// Letter case does not count. What is not found that way is looked for by synonym, and with
  /// underscores and hyphens read as spaces, where that leaves one of them.
  public static func places(of names: [String], in others: [String]) -> [Int?] {
    let exact = Dictionary(
      others.enumerated().map { ($1.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    let taken = Set(names.compactMap { exact[$0.lowercased()] })
    let alike = Dictionary(
      others.enumerated().filter { !taken.contains($0.offset) }.map { (plain($1), [$0]) },
      uniquingKeysWith: +)
    let count = Dictionary(names.map { (plain($0), 1) }, uniquingKeysWith: +)
    return names.map { name in
      if let place = exact[name.lowercased()] { return place }
      guard let places = alike[plain(name)], places.count == 1, count[plain(name)] == 1 else {
        return nil
      }
      return places[0]
    }
  }

  /// A name in small letters, with spaces between words, and without its synonyms.
  static func plain(_ name: String) -> String {
    let words = name.lowercased().split { " _-".contains($0) }.joined(separator: " ")
    return synonyms[words] ?? words
  }
}

extension Dataset {
  /// The data set with the labels of some categories alone; the others are in ``passedOver``.
  func counting(_ ids: Set<Int>) -> Dataset {
    guard categories.contains(where: { !ids.contains($0.id) }) else { return self }
    var result = self
    result.passedOver = (passedOver + categories.filter { !ids.contains($0.id) }).sorted {
      $0.id < $1.id
    }
    result.categories = categories.filter { ids.contains($0.id) }
    result.annotations = annotations.filter { ids.contains($0.category) }
    return result
  }

  /// The categories, those that are passed over included, by ascending id.
  var allCategories: [Category] { (categories + passedOver).sorted { $0.id < $1.id } }

  /// The data set with the named classes alone, for scoring.
  ///
  /// All images stay, as boxes in images without such objects are wrong.
  ///
  /// - Throws: ``DatasetError/noClass(set:name:classes:)``.
  public func counting(classes names: [String]) throws(DatasetError) -> Dataset {
    let places = ClassNames.places(of: names, in: categories.map(\.name))
    for (name, place) in zip(names, places) where place == nil {
      throw .noClass(set: source.path, name: name, classes: categories.map(\.name))
    }
    var result = counting(Set(places.compactMap { $0.map { categories[$0].id } }))
    if !result.passedOver.isEmpty {
      result.remarks.append(
        "scored are \(names.joined(separator: ", ")) alone of \(categories.count) classes")
    }
    return result
  }
}
