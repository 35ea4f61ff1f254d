import Foundation

/// One file of a report.
public struct ReportRenderer: Sendable {
  /// The name of the file.
  public var file: String
  /// The content of the file.
  public var render: @Sendable (ComparisonReport) throws -> Data

  /// Every renderer; a new file of the report is one more entry.
  public static let all: [ReportRenderer] = [.markdown, .json, .csv, .layers, .classes, .manifest]
}

extension ComparisonReport {
  /// The files of the report by name.
  ///
  /// The same models, data and seed give the same bytes, measured columns aside.
  public func files() throws -> [(name: String, content: Data)] {
    try ReportRenderer.all.map { (name: $0.file, content: try $0.render(self)) }
  }

  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }()
}
