import Formats
import Foundation
import Yams

/// Settings that replace parts of a recognised configuration; what is absent stays.
public struct HeadSettings: Codable, Sendable, Equatable {
  /// See ``HeadConfiguration/family``.
  public var family: String?
  /// Class names.
  public var classes: [String]?
  /// Input pixels per cell.
  public var strides: [Int]?
  /// Anchors by map.
  public var anchors: [[[Double]]]?
  /// Bins of a distance distribution, minus one.
  public var regMax: Int?
  /// Whether outputs are boxes already.
  public var isDecoded: Bool?
  /// Multipliers of SSD offsets: of the centre, of the size.
  public var variances: [Double]?
  /// Lowest confidence.
  public var confidence: Double?
  /// Highest overlap.
  public var iou: Double?
  /// Most boxes for an image.
  public var maxDetections: Int?
  /// How images become inputs.
  public var preprocessing: PreprocessingSettings?
  /// How outputs hold boxes; with it the family is `described`.
  public var layout: HeadLayout?

  /// Parts of ``Preprocessing``.
  public struct PreprocessingSettings: Codable, Sendable, Equatable {
    /// How the image is fitted.
    public var fit: Preprocessing.Fit?
    /// The value of filled pixels.
    public var pad: Int?
    /// The order of channels.
    public var order: Preprocessing.ChannelOrder?
    /// What pixels are multiplied by before anything else; 1 when not given.
    public var scale: Float?
    /// What is subtracted; one number or three.
    public var mean: [Float]?
    /// What is divided by; one number or three.
    public var std: [Float]?

    enum CodingKeys: String, CodingKey, CaseIterable { case fit, pad, order, scale, mean, std }

    /// Settings that change nothing.
    public init() {}
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case family, classes, strides, anchors, regMax, isDecoded, variances, confidence, iou
    case maxDetections, preprocessing, layout
  }

  /// Settings that change nothing.
  public init() {}

  /// Reads a YAML file.
  ///
  /// - Throws: ``HeadError/settings(file:line:reason:)`` naming key and line,
  ///   ``HeadError/absent(_:)`` when there is no such file, ``DatasetError`` when it cannot be read
  ///   or is not text.
  public static func load(_ url: URL) throws -> HeadSettings {
    guard try InputFile.kind(of: url) != nil else { throw HeadError.absent(url.relativePath) }
    return try parse(try TextFile(url).text, file: url.path)
  }

  /// Reads the text of a YAML file.
  ///
  /// - Throws: ``HeadError/settings(file:line:reason:)`` naming key and line.
  public static func parse(_ text: String, file: String) throws -> HeadSettings {
    let document = try SettingsDocument(text, file: file)
    try document.checkKeys(at: [], CodingKeys.allCases.map(\.rawValue))
    try document.checkKeys(
      at: [CodingKeys.preprocessing.rawValue],
      PreprocessingSettings.CodingKeys.allCases.map(\.rawValue))
    try checkLayoutKeys(document)
    var settings = try document.decode(HeadSettings.self)
    if settings.layout != nil, settings.family == nil { settings.family = "described" }
    try settings.check(document)
    return settings
  }

  private static func checkLayoutKeys(_ document: SettingsDocument) throws {
    let layout = CodingKeys.layout.rawValue
    try document.checkKeys(at: [layout], HeadLayout.CodingKeys.allCases.map(\.rawValue))
    try document.checkKeys(
      at: [layout, "box"], HeadLayout.Boxes.CodingKeys.allCases.map(\.rawValue))
    try document.checkKeys(
      at: [layout, "priors"], HeadLayout.Priors.CodingKeys.allCases.map(\.rawValue))
    for index in 0..<document.count(at: [layout, "outputs"]) {
      try document.checkKeys(
        at: [layout, "outputs", "\(index)"], ["output", "level", "axes", "fields"])
    }
  }

  private func check(_ document: SettingsDocument) throws {
    func require(_ isFine: Bool?, _ key: CodingKeys, _ rule: String) throws {
      if isFine == false { throw document.failure([key.rawValue], "\(key.rawValue) \(rule)") }
    }
    if let family, HeadFamily.named(family) == nil {
      throw document.failure(["family"], "\(HeadError.unknownFamily(family))")
    }
    try require(classes.map { !$0.isEmpty }, .classes, "names no class")
    try require(
      strides.map { $0.allSatisfy { (1...4096).contains($0) } }, .strides,
      "takes whole numbers from 1 to 4096")
    try require(
      anchors.map { maps in
        maps.allSatisfy {
          !$0.isEmpty && $0.allSatisfy { $0.count == 2 && $0.allSatisfy { $0 > 0 } }
        }
      }, .anchors, "takes, for each stride, a list of [width, height] in input pixels")
    if let strides, let anchors, !anchors.isEmpty {
      try require(
        strides.count == anchors.count, .anchors,
        "has \(anchors.count) lists for \(strides.count) strides")
    }
    try require(regMax.map { (0...255).contains($0) }, .regMax, "must lie between 0 and 255")
    try require(
      variances.map { $0.count == 2 && $0.allSatisfy { $0 > 0 } }, .variances,
      "takes two positive numbers")
    try require(confidence.map { (0...1).contains($0) }, .confidence, "must lie between 0 and 1")
    try require(iou.map { (0...1).contains($0) }, .iou, "must lie between 0 and 1")
    try require(maxDetections.map { $0 > 0 }, .maxDetections, "must be at least 1")
    if let fault = layout?.fault(strides: strides, classes: classes?.count ?? 1) {
      let path = [CodingKeys.layout.rawValue] + fault.key
      throw document.failure(path, "\(path.joined(separator: ".")) \(fault.rule)")
    }
    if family == "described", layout == nil {
      throw document.failure(["family"], "the family described needs a layout:")
    }
    try preprocessing?.check(document)
  }

  /// Replaces what the settings name.
  public func apply(to configuration: inout HeadConfiguration) {
    if let family { configuration.family = family }
    if let classes { configuration.classes = classes }
    if let strides { configuration.strides = strides }
    if let anchors { configuration.anchors = anchors }
    if let regMax { configuration.regMax = regMax }
    if let isDecoded { configuration.isDecoded = isDecoded }
    if let variances { configuration.variances = variances }
    if let confidence { configuration.confidence = confidence }
    if let iou { configuration.iou = iou }
    if let maxDetections { configuration.maxDetections = maxDetections }
    if let layout { configuration.layout = layout }
    preprocessing?.apply(to: &configuration.preprocessing)
  }
}

extension HeadSettings.PreprocessingSettings {
  fileprivate func check(_ document: SettingsDocument) throws {
    if let fault {
      throw document.failure(
        ["preprocessing", fault.key], "preprocessing.\(fault.key) \(fault.rule)")
    }
  }
}

/// A YAML mapping that knows the line of each key.
private struct SettingsDocument {
  private let root: Node?
  private let text: String
  private let file: String

  init(_ text: String, file: String) throws {
    (self.text, self.file) = (text, file)
    do {
      root = try YAMLText.compose(text)
    } catch let error as YamlError {
      throw Self.syntax(error, file: file)
    }
    guard root == nil || root?.mapping != nil else {
      throw HeadError.settings(
        file: file, line: 1, reason: "expected 'key: value' lines such as 'family: yolov8'")
    }
  }

  private static func syntax(_ error: YamlError, file: String) -> HeadError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      .settings(file: file, line: mark.line, reason: "is not YAML: \(problem)")
    default: .settings(file: file, line: nil, reason: "is not YAML: \(error)")
    }
  }

  /// Rejects keys of a mapping that are not allowed.
  func checkKeys(at path: [String], _ allowed: [String]) throws {
    guard let mapping = node(path)?.mapping else { return }
    for (key, _) in mapping {
      let name = key.string ?? "?"
      let place = (path + [name]).joined(separator: ".")
      guard allowed.contains(name) else {
        let near = allowed.min { distance($0, name) < distance($1, name) }
        let hint =
          near.flatMap {
            distance($0, name) <= max(1, name.count / 3) ? "did you mean '\($0)'? " : nil
          } ?? ""
        throw HeadError.settings(
          file: file, line: key.mark?.line,
          reason: "unknown key '\(place)'; \(hint)known are \(allowed.joined(separator: ", "))")
      }
    }
  }

  /// The number of elements of a list; 0 where there is none.
  func count(at path: [String]) -> Int { node(path)?.sequence?.count ?? 0 }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    do {
      return try YAMLDecoder().decode(type, from: root == nil ? "{}" : text)
    } catch DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context),
      DecodingError.valueNotFound(_, let context)
    {
      let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
      let reason =
        context.debugDescription.contains("rawValue")
          || context.debugDescription.contains("initialize")
        ? "the value is none of those allowed" : context.debugDescription
      throw failure(path, "key '\(path.joined(separator: "."))': \(reason)")
    } catch {
      throw HeadError.settings(file: file, line: nil, reason: "\(error)")
    }
  }

  /// An error at the line of a key, or of the nearest key around it.
  func failure(_ path: [String], _ reason: String) -> HeadError {
    var path = path
    while !path.isEmpty {
      if let line = node(path)?.mark?.line {
        return .settings(file: file, line: line, reason: reason)
      }
      path.removeLast()
    }
    return .settings(file: file, line: nil, reason: reason)
  }

  private func node(_ path: [String]) -> Node? {
    path.reduce(root) { node, key in
      if let mapping = node?.mapping { return mapping[key] }
      if let sequence = node?.sequence, let index = Int(key), sequence.indices.contains(index) {
        return sequence[index]
      }
      return nil
    }
  }

  /// Levenshtein's distance of two words, ignoring letter case.
  private func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.lowercased()), Array(b.lowercased()))
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var last = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, last + (x == y ? 0 : 1))
        last = above
      }
    }
    return row[b.count]
  }
}
