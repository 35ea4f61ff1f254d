import Foundation

/// An image of a VOC folder: its name without suffix, and where its labels and pixels may be.
struct VOCEntry {
  let name: String
  /// Names its image may have, the likeliest first.
  let imageNames: [String]
  /// The file of its labels; `nil` when there is none.
  let annotation: URL?
  /// The error when there is no such file, with the list, its line, and what was tried.
  private let missing: DatasetError

  /// The labels.
  ///
  /// - Throws: ``DatasetError``.
  func document() throws(DatasetError) -> VOCDocument {
    guard let annotation else { throw missing }
    return try VOCDocument(annotation)
  }

  /// The images of the split with the list that names them, or all that have labels.
  ///
  /// - Throws: ``DatasetError`` when there is no such split, or a list cannot be read.
  static func all(in folder: URL, _ reading: DatasetReading) throws(DatasetError) -> (
    entries: [VOCEntry], list: URL?
  ) {
    let labels = VOCFormat.annotationFolder(in: folder) ?? folder.appending(path: "Annotations")
    let sets = PathResolver(
      ["ImageSets/Main", "ImageSets", "ImageSets/Layout", "ImageSets/Segmentation", ""].map {
        folder.appending(path: $0)
      })
    for split in reading.split.map({ [$0] }) ?? ["val", "test"] {
      if let list = sets.find("\(split).txt")?.url {
        let resolver = PathResolver([labels, folder])
        return (try TextFile(list).lines.map { VOCEntry($0, of: list, resolver) }, list)
      }
      if reading.split != nil {
        throw .notFound(
          file: folder.path, place: "there is no such split", name: "\(split).txt",
          tried: sets.tried("\(split).txt"))
      }
    }
    return (annotationFiles(in: labels).map { VOCEntry($0) }, nil)
  }

  /// The XML files of a folder, by name.
  static func annotationFiles(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { !$0.hasPrefix(".") && $0.lowercased().hasSuffix(".xml") }.sorted().map {
      folder.appending(path: $0)
    }
  }

  private init(_ annotation: URL) {
    name = annotation.deletingPathExtension().lastPathComponent
    imageNames = Self.imageNames(name)
    self.annotation = annotation
    missing = .missing(annotation.path)
  }

  /// The image of a line.
  ///
  /// The line is a name, perhaps with a suffix, a folder or a flag behind it
  /// (`street view (1) -1`), or the paths of image and XML file. A name may contain spaces.
  private init(_ line: TextFile.Line, of list: URL, _ resolver: PathResolver) {
    let text = String(line.text)
    var candidates = [(name: text, xml: text)]
    if let space = line.text.lastIndex(where: \.isWhitespace) {
      let (head, tail) = (String(line.text[..<space].trimmed), String(line.text[space...].trimmed))
      if ["-1", "0", "1"].contains(tail) { candidates.append((head, head)) }
      if tail.lowercased().hasSuffix(".xml") { candidates.append((head, tail)) }
    }
    let found = candidates.lazy.compactMap { candidate in
      resolver.find(Self.stem(candidate.xml) + ".xml").map { (candidate.name, $0.url) }
    }.first
    name = Self.stem(found?.0 ?? text)
    imageNames = Self.imageNames(name)
    annotation = found?.1
    missing = .notFound(
      file: list.path, place: "line \(line.number)", name: "\(Self.stem(text)).xml",
      tried: resolver.tried("\(Self.stem(text)).xml"))
  }

  private static func imageNames(_ name: String) -> [String] {
    (ImageFile.suffixes + ImageFormat.foreignSuffixes.prefix(2)).map { "\(name).\($0)" }
  }

  /// A name without the suffix of an image or annotation.
  private static func stem(_ name: String) -> String {
    let endings = ImageFile.suffixes + ImageFormat.foreignSuffixes + ["xml"]
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex,
      endings.contains(name[name.index(after: dot)...].lowercased())
    else { return name }
    return String(name[..<dot])
  }
}
