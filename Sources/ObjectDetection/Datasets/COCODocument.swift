import Foundation

/// The lists of an annotation file, as written.
///
/// Optional values may be absent, or `null`, `[]` or `""`, as some tools write them.
struct COCODocument {
  struct Image {
    var id: COCOIdentifier
    var name: String
    var width: Int?
    var height: Int?
  }

  struct Annotation {
    var id: COCOIdentifier?
    var image: COCOIdentifier
    var category: COCOIdentifier
    var box: (Double, Double, Double, Double)?
    var area: Double?
    var isCrowd = false
  }

  struct Category {
    var id: COCOIdentifier
    var name: String?
  }

  /// `nil` when there is no such list.
  private(set) var images: [Image]?
  private(set) var annotations: [Annotation] = []
  private(set) var categories: [Category] = []

  init(_ scanner: inout JSONScanner) throws {
    var images: [Image]?
    var (annotations, categories) = (annotations, categories)
    try scanner.object { scanner, key in
      guard ["images", "annotations", "categories"].contains(key) else { return try scanner.skip() }
      var found: [Image] = []
      if try !scanner.takeNothing() {
        try scanner.array { scanner in
          switch key {
          case "images": found.append(try Image(&scanner))
          case "annotations": annotations.append(try Annotation(&scanner))
          default: categories.append(try Category(&scanner))
          }
        }
      }
      if key == "images" { images = found }
    }
    (self.images, self.annotations, self.categories) = (images, annotations, categories)
  }
}

extension COCODocument.Image {
  init(_ scanner: inout JSONScanner) throws {
    var (id, name): (COCOIdentifier?, String?) = (nil, nil)
    var (width, height): (Int?, Int?) = (nil, nil)
    try scanner.object { scanner, key in
      if try scanner.takeNothing() { return }
      switch key {
      case "id": id = try COCOIdentifier(&scanner)
      case "file_name": name = try scanner.string()
      case "width": width = try scanner.extent()
      case "height": height = try scanner.extent()
      default: try scanner.skip()
      }
    }
    guard let id else { throw scanner.refusal("is an image without an id") }
    guard let name, !name.isEmpty else {
      throw scanner.refusal("is an image (id \(id.text)) without a file_name")
    }
    self.init(id: id, name: name, width: width, height: height)
  }
}

extension COCODocument.Annotation {
  init(_ scanner: inout JSONScanner) throws {
    var (id, image, category): (COCOIdentifier?, COCOIdentifier?, COCOIdentifier?)
    var box: (Double, Double, Double, Double)?
    var area: Double?
    var isCrowd = false
    try scanner.object { scanner, key in
      if try scanner.takeNothing() { return }
      switch key {
      case "id": id = try COCOIdentifier(&scanner)
      case "image_id": image = try COCOIdentifier(&scanner)
      case "category_id": category = try COCOIdentifier(&scanner)
      case "area": area = try scanner.number()
      case "iscrowd": isCrowd = try scanner.integer() != 0
      case "bbox": box = try COCOFormat.box(&scanner)
      default: try scanner.skip()
      }
    }
    guard let image, let category else {
      let lacking = image == nil ? "an image_id" : "a category_id"
      let name = id.map { " (id \($0.text))" } ?? ""
      throw scanner.refusal("is an annotation\(name) without \(lacking)")
    }
    self.init(
      id: id, image: image, category: category, box: box, area: area, isCrowd: isCrowd)
  }
}

extension COCODocument.Category {
  init(_ scanner: inout JSONScanner) throws {
    var (id, name): (COCOIdentifier?, String?) = (nil, nil)
    try scanner.object { scanner, key in
      if try scanner.takeNothing() { return }
      switch key {
      case "id": id = try COCOIdentifier(&scanner)
      case "name": name = try scanner.string()
      default: try scanner.skip()
      }
    }
    guard let id else { throw scanner.refusal("is a category without an id") }
    self.init(id: id, name: name)
  }
}

extension COCOIdentifier {
  /// The number, or that of a text of digits.
  var number: Int? {
    switch self {
    case .number(let number): number
    case .text(let text): Int(text)
    }
  }

  /// The id for messages.
  var text: String {
    switch self {
    case .number(let number): "\(number)"
    case .text(let text): "'\(text)'"
    }
  }
}

extension JSONScanner {
  /// A number of pixels; 0 and negative numbers count as absent.
  fileprivate mutating func extent() throws -> Int? {
    let value = try number()
    return value >= 1 && value < 1e9 ? Int(value) : nil
  }
}
