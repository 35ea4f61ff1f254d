import Foundation
import Reports
import Testing

@Suite struct RendererTests {
  func file(_ name: String, of report: ComparisonReport = FixedReport.report) throws -> String {
    let files = try report.files()
    let content = try #require(files.first { $0.name == name }?.content)
    return String(decoding: content, as: UTF8.self)
  }

  @Test func theMarkdownReadsWell() throws {
    #expect(try file("report.md") == Snapshots.markdown)
  }

  @Test func theTableOfModelsIsCommaSeparated() throws {
    #expect(
      try file("report.csv") == """
        model,sha256,parameters,nonzeros,sparsity,macs,flops,file_bytes,gzip_bytes,latency_median_ms*,\
        latency_p90_ms*,peak_memory_bytes*,AP,AP50,AP75,AP_S,AP_M,AP_L,AR_1,AR_10,AR_100,AR_S,AR_M,AR_L\r
        a.onnx,c0ffee,1000,1000,0,1234567,2469134,4000000,1000,1.250000,1.500000,10000000,\
        0.500000,,,-1,,,,,,,,\r
        b.onnx,c0ffee,1000,250,0.750000,1234567,2469134,4000000,250,,,,0.375000,,,-1,,,,,,,,\r

        """)
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
    let report = FixedReport.report
    let read = try JSONDecoder().decode(
      ComparisonReport.self, from: Data(try file("report.json").utf8))
    #expect(read == report)
    let manifest = try JSONDecoder().decode(
      ReportManifest.self, from: Data(try file("manifest.json").utf8))
    #expect(manifest == report.manifest)
  }

  @Test func filesOfEqualReportsAreEqual() throws {
    let (a, b) = (try FixedReport.report.files(), try FixedReport.report.files())
    #expect(
      a.map(\.name)
        == ["report.md", "report.json", "report.csv", "layers.csv", "classes.csv", "manifest.json"])
    #expect(a.map(\.content) == b.map(\.content))
  }

  @Test func numbersThatAreNotFiniteLeaveGaps() throws {
    var report = FixedReport.report
    report.models[0].accuracy = ["AP": .nan, "AP50": .infinity]
    let row = try file("report.csv", of: report).components(separatedBy: "\r\n")[1]
    #expect(row.hasSuffix("1.250000,1.500000,10000000,,,,,,,,,,,,"))
    #expect(
      try file("report.md", of: report).contains(
        "| mAP (AP .50:.95)                   |         – |"))
    #expect(try file("report.json", of: report).contains("\"AP\" : \"NaN\""))
  }

  @Test func aReportWithoutScoresHasNoEmptySections() throws {
    var report = FixedReport.report
    for index in report.models.indices {
      report.models[index].accuracy = nil
      report.models[index].classes = []
      report.models[index].layers = []
      report.models[index].measured = nil
    }
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
}
