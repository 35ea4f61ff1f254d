import Foundation
import Reports
import TestSupport
import Testing

@Suite struct RendererTests {
  func file(_ name: String, of report: ComparisonReport = FixedReport.report) throws -> String {
    let files = try report.files()
    let content = try #require(files.first { $0.name == name }?.content)
    return String(decoding: content, as: UTF8.self)
  }

  /// Whole files are compared with `Tests/Goldens/Reports`; `UPDATE_SNAPSHOTS=1 swift test …`
  /// writes them again.
  @Test(arguments: ["report.md", "report.tex", "report.html", "changes.csv", "report.csv"])
  func filesReadAsCommitted(name: String) throws {
    let golden = SharedAssets.package.appending(path: "Tests/Goldens/Reports/\(name)")
    let content = try file(name)
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] != nil {
      try Data(content.utf8).write(to: golden)
    }
    #expect(try String(contentsOf: golden, encoding: .utf8) == content)
  }

  @Test func awkwardNamesAreQuoted() throws {
    let lines = try file("layers.csv").components(separatedBy: "\r\n")
    #expect(lines[0] == "model,layer,operator,parameters,nonzeros,sparsity,macs")
    #expect(lines[1] == #"a.onnx,"conv ""1"", a|b",Conv,900,900,0,1234567"#)
    #expect(lines[3] == #"b.onnx,"conv ""1"", a|b",Conv,900,150,0.833333,1234567"#)
    var report = FixedReport.report
    report.models[0].layers[0].name = "two\nlines"
    #expect(try file("layers.csv", of: report).contains("a.onnx,\"two\nlines\",Conv,"))
  }

  @Test func classesHaveARowEach() throws {
    #expect(
      try file("classes.csv")
        == "model,class,objects,AP,AP50\r\na.onnx,cat,3,0.250000,-1\r\nb.onnx,cat,3,0.250000,-1\r\n"
    )
  }

  @Test func jsonReadsBack() throws {
    var report = FixedReport.report
    let read = try JSONDecoder().decode(
      ComparisonReport.self, from: Data(try file("report.json").utf8))
    for index in report.models.indices { report.models[index].resampledAP = [] }
    #expect(read == report)
    let manifest = try JSONDecoder().decode(
      ReportManifest.self, from: Data(try file("manifest.json").utf8))
    #expect(manifest == report.manifest)
  }

  @Test func filesOfEqualReportsAreEqual() throws {
    let (a, b) = (try FixedReport.report.files(), try FixedReport.report.files())
    #expect(
      a.map(\.name)
        == [
          "report.md", "report.html", "report.tex", "report.json", "report.csv", "changes.csv",
          "layers.csv", "classes.csv", "manifest.json", "figures/accuracy-size.svg",
          "figures/accuracy-size.pdf", "figures/accuracy-macs.svg", "figures/accuracy-macs.pdf",
          "figures/layers.svg", "figures/layers.pdf",
        ])
    #expect(a.map(\.content) == b.map(\.content))
  }

  @Test func numbersThatAreNotFiniteLeaveGaps() throws {
    var report = FixedReport.report
    report.models[0].accuracy = ["AP": .nan, "AP50": .infinity]
    let row = try file("report.csv", of: report).components(separatedBy: "\r\n")[1]
    #expect(
      row.hasSuffix(
        ",800,10000000,,,,,,,,,,,,,0.480000,0.530000,0.250000,0.750000,0.500000,0.250000"))
    let text = try file("report.md", of: report)
    #expect(text.contains(/\| mAP \(AP \.50:\.95\) +\| +– \|/))
    #expect(try file("report.json", of: report).contains("\"AP\" : \"NaN\""))
  }

  @Test func aReportWithoutScoresHasNoEmptySections() throws {
    var report = FixedReport.report
    for index in report.models.indices {
      report.models[index].accuracy = nil
      report.models[index].classes = []
      report.models[index].layers = []
      report.models[index].measured = nil
      report.models[index].apInterval = nil
      report.models[index].deployed = nil
    }
    report.tests = []
    report.manifest.data = nil
    let text = try file("report.md", of: report)
    for absent in ["## Classes", "## Layers", "mAP", "latency", "data:"] {
      #expect(!text.contains(absent), "\(absent)")
    }
    #expect(try file("classes.csv", of: report) == "model,class,objects,AP,AP50\r\n")
  }

  @Test func scoresUnderOtherSettingsAreWarnedOf() {
    let report = ComparisonReport(
      title: "t",
      models: [
        FixedReport.model("a", nonzeros: 1000, accuracy: ["AP": 0.5]),
        FixedReport.model("b", nonzeros: 1000, accuracy: ["AP": 0.5], head: "head b"),
        FixedReport.model("c", nonzeros: 1000, accuracy: nil, head: "head c"),
      ], manifest: FixedReport.manifest)
    #expect(report.notes == ["b is scored under other settings than a: head b"])
  }

  @Test func layersThatDifferInCostShowIt() throws {
    var report = FixedReport.report
    report.models[1].layers[0].macs = 17
    report.models[1].layers.removeLast()
    let text = try file("report.md", of: report)
    #expect(text.contains("| MACs |"))
    #expect(text.contains("| norm           | Mul "))
  }

  @Test func longTablesAreFolded() throws {
    var report = FixedReport.report
    report.models[0].layers = (0..<13).map {
      .init(name: "l\($0)", opType: "Conv", parameters: 1, nonzeros: 1, macs: 1)
    }
    let text = try file("report.md", of: report)
    #expect(
      text.contains("<summary>14 layers</summary>") || text.contains("<summary>15 layers</summary>")
    )
    #expect(text.contains("</details>"))
  }

  @Test func manyModelsAreRows() throws {
    var report = FixedReport.report
    for number in 2...5 {
      report.models.append(
        FixedReport.model("m\(number)", nonzeros: 1000, accuracy: ["AP": 0.1 * Double(number)]))
    }
    let text = try file("report.md", of: report)
    #expect(text.contains("| model ") && text.contains("| m5 ") && text.contains("Δ mAP"))
    #expect(!text.contains("## Layers"))
  }

  @Test func zerosThatBringNoSpeedAreWarnedOf() {
    let models = [1000, 250].map {
      FixedReport.model("m\($0)", nonzeros: $0, accuracy: nil)
    }
    let report = ComparisonReport(title: "t", models: models, manifest: FixedReport.manifest)
    #expect(report.notes.count == 1)
    #expect(report.notes[0].contains("m250 takes as many multiply–accumulates as m1000"))
  }

  @Test func thePageNeedsNothingFromElsewhere() throws {
    let page = try file("report.html")
    for address in page.matches(of: /(?:src|href|url)\s*[=(]\s*"?([^" )>]*)/) {
      #expect(address.1.hasPrefix("data:"), "\(address.1)")
    }
    #expect(!page.replacing("http://www.w3.org/2000/svg", with: "").contains("http"))
    #expect(page.contains("prefers-color-scheme:dark") && page.contains("@media print"))
    #expect(page.contains("<table class=\"sortable models\">") && page.contains("class=\"hint\""))
    // Names are shown, not obeyed.
    var report = FixedReport.report
    report.models[0].name = "<script>alert(1)</script>"
    #expect(!(try file("report.html", of: report)).contains("<script>alert"))
  }

  @Test func theReportFollowsItsSchema() throws {
    let schema = try JSONSerialization.jsonObject(
      with: Data(
        contentsOf: SharedAssets.package.appending(
          path: "Documentation/Schemas/report-2.schema.json")))
    let validator = SchemaValidator(root: try #require(schema as? [String: Any]))
    let report = try JSONSerialization.jsonObject(with: Data(try file("report.json").utf8))
    #expect(validator.violations(report) == [])
    var broken = try #require(report as? [String: Any])
    broken["notes"] = 3
    broken["extra"] = true
    #expect(validator.violations(broken).count == 2)
  }
}
