import Foundation
import Tensors

/// A set of images, with or without the boxes of the objects in them.
public struct Dataset: Sendable {
  /// A class of objects.
  public struct Category: Hashable, Sendable, Codable {
    /// The number that annotations use.
    public var id: Int
    /// The name for people.
    public var name: String

    /// The category `name`, known as `id`.
    public init(id: Int, name: String) {
      self.id = id
      self.name = name
    }
  }

  /// One image file.
  public struct Image: Sendable, Hashable {
    /// The number that annotations use.
    public var id: Int
    /// Where its pixels come from.
    public var source: ImageSource
    /// The width the labels declare, in pixels.
    public var width: Int?
    /// The height the labels declare, in pixels.
    public var height: Int?

    /// An image of the given number and file.
    public init(id: Int, file: URL, width: Int? = nil, height: Int? = nil) {
      self.init(id: id, source: .file(file), width: width, height: height)
    }

    /// An image of the given number and origin.
    public init(id: Int, source: ImageSource, width: Int? = nil, height: Int? = nil) {
      self.id = id
      self.source = source
      self.width = width
      self.height = height
    }

    /// The path of the file; a name like a file's for images that are not in a file of their own.
    public var file: URL { source.url }
  }

  /// One labelled object.
  public struct Annotation: Sendable, Hashable {
    /// Its number; 0 when the format has none.
    public var id: Int
    /// The index of its image in ``Dataset/images``.
    public var image: Int
    /// The ``Category/id`` of its category.
    public var category: Int
    /// The left edge, in pixels.
    public var x: Double
    /// The upper edge, in pixels.
    public var y: Double
    /// The horizontal extent, in pixels.
    public var width: Double
    /// The vertical extent, in pixels.
    public var height: Double
    /// The area for COCO's size classes, in square pixels: the segment's in COCO, else the box's.
    public var area: Double
    /// Whether the box stands for many objects.
    ///
    /// A detection that matches it counts neither as correct nor as wrong.
    public var isCrowd: Bool
    /// Whether Pascal VOC marks it as difficult.
    ///
    /// Evaluation ignores it.
    public var isDifficult: Bool

    /// A labelled object; the area is the box's unless given.
    public init(
      id: Int, image: Int, category: Int, x: Double, y: Double, width: Double, height: Double,
      area: Double? = nil, isCrowd: Bool = false, isDifficult: Bool = false
    ) {
      self.id = id
      self.image = image
      self.category = category
      self.x = x
      self.y = y
      self.width = width
      self.height = height
      self.area = area ?? width * height
      self.isCrowd = isCrowd
      self.isDifficult = isDifficult
    }
  }

  /// The format's name, for reports.
  public var format: String
  /// Where it was read from.
  public var source: URL
  /// The classes, by ascending id.
  public var categories: [Category]
  /// The images, by ascending id.
  public var images: [Image]
  /// The labelled objects, in the order of the labels.
  public var annotations: [Annotation]
  /// What was odd about the labels and how it was read, a sentence each, for the user.
  public var remarks: [String]
  /// Images that cannot be read, or whose labels cannot, by their index.
  public var unreadable: [Int: Unreadable] = [:]
  /// Why each image that was left out cannot be read.
  public var leftOut: [String] = []
  /// Categories whose labels are not in ``annotations``, as they are not scored; by ascending id.
  public var passedOver: [Category] = []
  /// Which images of a larger set these are; `nil` for all.
  public var sample: Sample?
  /// The ids of images that labels know by a text, by that text.
  public var imageIDs: [String: Int] = [:]
  /// The ids of categories that labels know by a text, by that text.
  public var categoryIDs: [String: Int] = [:]

  /// A data set of the given parts; images and categories are sorted by id.
  ///
  /// - Parameter unreadable: By the index of an image in the order given.
  public init(
    format: String, source: URL, categories: [Category], images: [Image],
    annotations: [Annotation], remarks: [String] = [], unreadable: [Int: Unreadable] = [:]
  ) {
    self.format = format
    self.source = source
    self.remarks = remarks
    self.categories = categories.sorted { $0.id < $1.id }
    let order = images.indices.sorted { (images[$0].id, $0) < (images[$1].id, $1) }
    var place = [Int](repeating: 0, count: images.count)
    for (new, old) in order.enumerated() { place[old] = new }
    self.images = order.map { images[$0] }
    self.annotations = annotations.map {
      var annotation = $0
      annotation.image = place[$0.image]
      return annotation
    }
    self.unreadable = Dictionary(
      unreadable.map { (place[$0.key], $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// Whether there are labels to evaluate against.
  public var isLabelled: Bool { !categories.isEmpty && !annotations.isEmpty }

  /// The data set without a fraction of its images, and a set of those images.
  ///
  /// The seed decides which.
  public func holdingOut(_ fraction: Double, seed: UInt64) -> (kept: Dataset, held: Dataset) {
    var random = CounterRandom(seed: seed, stream: 0x601d)
    let order = images.indices.shuffled(using: &random)
    let count = Int((fraction * Double(images.count)).rounded(.up))
    let held = Set(order.prefix(count))
    return (without(images: held), without(images: Set(images.indices).subtracting(held)))
  }

  /// The data set without some images, given by index, and their labels.
  func without(images excluded: Set<Int>) -> Dataset {
    if excluded.isEmpty { return self }
    let kept = images.indices.filter { !excluded.contains($0) }
    let place = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    var result = self
    result.images = kept.map { images[$0] }
    result.unreadable = Dictionary(
      uniqueKeysWithValues: unreadable.compactMap { old, why in place[old].map { ($0, why) } })
    result.annotations = annotations.compactMap { annotation in
      place[annotation.image].map { index in
        var annotation = annotation
        annotation.image = index
        return annotation
      }
    }
    return result
  }
}
