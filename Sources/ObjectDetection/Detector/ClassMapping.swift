/// Which category of a data set each class of a detector is.
public struct ClassMapping: Sendable, Equatable {
  /// The category id of each class; `nil` for classes the data set does not have.
  public var categories: [Int?]
  /// What is not evident about the mapping, a sentence each.
  public var remarks: [String]

  /// What a mapping is for.
  public enum Purpose: Sendable {
    /// Scoring: the classes that both know are enough, and the others are left out.
    case scoring
    /// Learning: every category must be a class, or every class a category.
    case learning
  }

  /// Matches by name, see ``ClassNames/places(of:in:)``.
  ///
  /// Where there are equally many and no name says otherwise, they are matched by position.
  ///
  /// - Throws: ``HeadError/classes(model:dataset:)`` when nothing matches, or too little to learn.
  public init(
    _ classes: [String], to categories: [Dataset.Category], for purpose: Purpose = .scoring
  ) throws {
    let places = ClassNames.places(of: classes, in: categories.map(\.name))
    let known = Set(places.compactMap { $0 })
    if known.count < classes.count, classes.count == categories.count,
      places.enumerated().allSatisfy({ $1 == nil || $0 == $1 })
    {
      let other = places.firstIndex(of: nil) ?? 0
      self.categories = categories.map(\.id)
      remarks = [
        "the class names differ (the detector's '\(classes[other])', the data set's "
          + "'\(categories[other].name)' …): matched by position"
      ]
      return
    }
    let isWhole = known.count == classes.count || known.count == categories.count
    guard !known.isEmpty, isWhole || purpose == .scoring else {
      throw HeadError.classes(model: classes, dataset: categories.map(\.name))
    }
    self.categories = places.map { $0.map { categories[$0].id } }
    remarks = []
    let extra = zip(classes, places).filter { $1 == nil }.map(\.0)
    if !extra.isEmpty {
      remarks.append("the data set has no \(Self.listed(extra)): boxes of these are passed over")
    }
    let absent = categories.indices.filter { !known.contains($0) }.map { categories[$0].name }
    if !absent.isEmpty {
      remarks.append(
        "the detector has no \(Self.listed(absent)): \(absent.count) of the data set's "
          + "\(categories.count) classes are left out, \(known.count) are scored")
    }
  }

  /// Boxes as COCO results of an image.
  public func records(_ boxes: [Detection], image: Int) -> [DetectionRecord] {
    boxes.compactMap { detection in
      guard let category = categories[detection.classIndex] else { return nil }
      return DetectionRecord(
        image: image, category: category, x: detection.box.left, y: detection.box.top,
        width: detection.box.width, height: detection.box.height, score: detection.confidence)
    }
  }

  private static func listed(_ names: [String]) -> String {
    names.prefix(5).joined(separator: ", ")
      + (names.count > 5 ? " and \(names.count - 5) more" : "")
  }
}
