import Foundation
import FoundationXML
import Reports
import Testing

@Suite struct FigureTests {
  private static let log = TrainingLog(
    title: "a < b & c", lossNames: ["box", "class"], metricNames: ["AP", "AP50"],
    epochs: [
      .init(epoch: 1, step: 10, learningRate: 0.01, losses: [2, 1], seconds: 1),
      .init(
        epoch: 2, step: 20, learningRate: 0.005, losses: [1, 0.5],
        metrics: ["AP": 0.25, "AP50": 0.5], sparsity: 0.5, seconds: 1),
    ])

  @Test func theTableHasARowAnEpochAndBlanksWhereNothingWasMeasured() throws {
    let lines = String(decoding: Self.log.csv, as: UTF8.self).split(separator: "\r\n")
    #expect(
      lines[0]
        == "epoch,step,learningRate,loss/box,loss/class,loss,AP,AP50,sparsity,seconds*,imagesPerSecond*"
    )
    #expect(lines[1].hasPrefix("1,10,0.01,2,1,3,,,,"))
    #expect(lines[2].hasPrefix("2,20,0.005,1,0.500000,1.500000,0.250000,0.500000,0.500000,"))
  }

  @Test func theFigureIsWellFormedAndShowsEverySeries() throws {
    let svg = Self.log.figure.svg
    let document = try XMLDocument(data: svg)
    let text = try #require(document.rootElement()).stringValue ?? ""
    for name in ["a < b & c", "box", "class", "total", "AP50", "sparsity", "epoch"] {
      #expect(text.contains(name), "\(name)")
    }
  }

  @Test func aLogarithmicAxisAndOnePointAreDrawn() throws {
    let chart = LineChart(
      title: "", xTitle: "nonzeros", yTitle: "AP",
      series: [
        .init(name: "a", points: [(1e5, 0.4), (2e6, 0.6)], spreads: [0.01, 0.02], hasMarks: true),
        .init(name: "b", points: [(3e5, .nan), (4e5, 0.5)]),
      ], isLogarithmic: true)
    let svg = String(decoding: Figure([chart]).svg, as: UTF8.self)
    #expect(!svg.lowercased().contains("nan") && !svg.contains("inf"))
    #expect(svg.contains("100k") && svg.contains("1M"))
  }
}
