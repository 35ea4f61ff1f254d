import Foundation

/// One file of a report.
public struct ReportRenderer: Sendable {
  /// The name of the file.
  public var file: String
  /// The content of the file.
  public var render: @Sendable (ComparisonReport) throws -> Data

  /// Every renderer; a new file of the report is one more entry.
  public static let all: [ReportRenderer] = [
    .markdown, .html, .latex, .json, .csv, .changes, .layers, .classes, .manifest,
  ]
}

extension ComparisonReport {
  /// The files of the report by name, figures in the folder `figures`.
  ///
  /// The same models, data and seed give the same bytes, except for measured columns and figures of
  /// them.
  public func files() throws -> [(name: String, content: Data)] {
    try ReportRenderer.all.map { (name: $0.file, content: try $0.render(self)) }
      + figures.flatMap { $0.figure.files("figures/\($0.description.name)") }
  }

  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }()
}
