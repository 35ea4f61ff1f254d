/// Why a network's outputs cannot be read as boxes.
public enum HeadError: Error, Equatable, CustomStringConvertible {
  case unrecognized(outputs: [String], skeleton: String)
  case ambiguous(families: [String], outputs: [String])
  case unknownFamily(String)
  case absent(String)
  case settings(file: String, line: Int?, reason: String)
  case outputs(family: String, reason: String)
  case classes(model: [String], dataset: [String])

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .unrecognized(let outputs, let skeleton):
      "the detection head is not recognised from the outputs \(outputs.joined(separator: ", ")). "
        + "A file that describes it begins with\n\n\(skeleton)\n\nHead families are "
        + Self.families
    case .ambiguous(let families, let outputs):
      "the outputs \(outputs.joined(separator: ", ")) fit the head families "
        + "\(families.joined(separator: " and "))"
    case .unknownFamily(let name), .absent(let name):
      "'\(name)' is neither a head family (\(Self.families)) nor a file"
    case .settings(let file, let line, let reason):
      line.map { "\(file): line \($0): \(reason)" } ?? "\(file): \(reason)"
    case .outputs(let family, let reason):
      "the outputs do not fit the head family \(family): \(reason)"
    case .classes(let model, let dataset):
      "the detector has \(Self.listed(model)), the data set \(Self.listed(dataset)), and the names "
        + "do not match"
    }
  }

  private static var families: String {
    HeadFamily.all.map(\.name).joined(separator: ", ")
  }

  private static func listed(_ names: [String]) -> String {
    let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
    return "\(names.count) \(names.count == 1 ? "class" : "classes") (\(shown))"
  }
}
