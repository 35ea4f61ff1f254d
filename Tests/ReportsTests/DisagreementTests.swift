import Foundation
import Reports
import Testing

@Suite struct DisagreementTests {
  private func box(_ name: String, _ left: Double, _ confidence: Double) -> Disagreement.Box {
    .init(name: name, confidence: confidence, left: left, top: 0, width: 10, height: 10)
  }

  private var models: [ModelEvidence] {
    var models = ["a", "b"].map {
      FixedReport.model($0, nonzeros: 1000, accuracy: ["AP": 0.5])
    }
    models[0].shown = [
      1: [box("cat", 0, 0.9)], 2: [box("cat", 0, 0.3)], 3: [box("cat", 0, 0.9)],
      4: [box("cat", 0, 0.9), box("dog", 40, 0.5)],
    ]
    models[1].shown = [
      1: [box("cat", 1, 0.5)], 3: [box("dog", 0, 0.8)], 4: [box("cat", 20, 0.4)],
    ]
    return models
  }

  /// Image 1 is agreed on; 4 lacks three boxes, 3 differs in the class of one, 2 lacks a faint one.
  @Test func imagesWithConfidentDifferencesComeFirst() {
    #expect(Disagreement.worst(models, count: 5) == [4, 3, 2])
    #expect(Disagreement.worst(models, count: 1) == [4])
    #expect(Disagreement.worst([models[0]], count: 5).isEmpty)
  }

  @Test func onlyWhatIsNotSharedIsNamedInTheFigure() throws {
    var report = ComparisonReport(
      title: "t", models: models, manifest: FixedReport.manifest)
    let scene = Disagreement(
      image: "1.jpg", jpeg: Data([0xff, 0xd8, 0xff, 0xd9]), width: 100, height: 50,
      boxes: [[box("cat", 0, 0.9), box("dog", 40, 0.5)], [box("cat", 1, 0.5)]])
    report.disagreements = [scene]
    let figure = try #require(report.figures.first { $0.description.name == "detections" }).figure
    let svg = String(decoding: figure.svg, as: UTF8.self)
    #expect(svg.contains(">dog 0.50</text>") && !svg.contains(">cat 0.90</text>"))
    #expect(svg.contains("<title>cat 0.90</title>") && svg.contains("data:image/jpeg;base64,"))
    #expect(figure.pdf.range(of: Data("/DCTDecode".utf8)) != nil)
    // Pictures are drawn, not written into the JSON.
    let json = try #require(try report.files().first { $0.name == "report.json" }).content
    #expect(!String(decoding: json, as: UTF8.self).contains("jpeg"))
  }
}
