import Foundation
import FoundationXML
import Reports
import TestSupport
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
      ], axis: .logarithmic)
    let svg = String(decoding: Figure([chart]).svg, as: UTF8.self)
    #expect(!svg.lowercased().contains("nan") && !svg.contains("inf"))
    #expect(svg.contains("100k") && svg.contains("1M"))
  }

  private static let tradeOff = TradeOffChart(
    title: "Accuracy", xTitle: "size (MB)", yTitle: "mAP",
    points: (0..<14).map { index in
      .init(
        name: "model-\(index)", cost: 1 + Double(index % 5) * 0.1,
        worth: 0.5 + Double(index / 5) * 0.01,
        interval: 0.4...0.6, group: index)
    }, barTitle: "95 % confidence")

  /// Names beside points keep clear of one another, by the widths of the font.
  @Test func namesDoNotOverlap() throws {
    let svg = String(decoding: Figure([Self.tradeOff], width: 420).svg, as: UTF8.self)
    let names = svg.matches(of: /<text x="([\d.]+)" y="([\d.]+)"[^>]*>(model-\d+)</)
    #expect(names.count > 6)
    let boxes = try names.map { name in
      (
        x: try #require(Double(name.1)), y: try #require(Double(name.2)),
        width: 5.5 * Double(name.3.count)
      )
    }
    for (a, one) in boxes.enumerated() {
      for other in boxes[(a + 1)...] {
        let isClear =
          abs(one.y - other.y) >= 10 || one.x + one.width <= other.x
          || other.x + other.width <= one.x
        #expect(isClear, "\(one) and \(other)")
      }
    }
  }

  /// Every object of the PDF begins where the cross-reference table says.
  @Test func thePDFIsConsistent() throws {
    let bytes = [UInt8](Figure([Self.tradeOff, Self.log.figure.charts[0]]).pdf)
    let text = String(decoding: bytes, as: Unicode.ASCII.self)
    #expect(text.hasPrefix("%PDF-1.4") && text.hasSuffix("%%EOF\n"))
    let start = try #require(text.firstMatch(of: /startxref\n(\d+)\n/)).1
    let table = Array(bytes[try #require(Int(start))...])
    let lines = String(decoding: table, as: UTF8.self).split(separator: "\n")
    #expect(lines[0] == "xref")
    let count = try #require(Int(lines[1].split(separator: " ")[1]))
    for number in 1..<count {
      let offset = try #require(Int(lines[2 + number].prefix(10)))
      let head = String(decoding: bytes[offset..<min(offset + 10, bytes.count)], as: UTF8.self)
      #expect(head.hasPrefix("\(number) 0 obj"), "object \(number)")
    }
  }

  @Test func theFrontHoldsWhatNothingBeats() {
    let (cost, worth) = ([3.0, 1, 2, 2, 4, 1], [0.6, 0.4, 0.5, 0.45, 0.6, 0.4])
    #expect(ParetoFront.indices(cost: cost, worth: worth) == [1, 5, 2, 0])
    for round in 1...20 {
      // A sequence that fills the square evenly, shifted from round to round.
      let points = (0..<30).map { index in
        let place = Double(index * round)
        return (
          (place * 0.618_034).truncatingRemainder(dividingBy: 1),
          (place * 0.414_214 + 0.1).truncatingRemainder(dividingBy: 1)
        )
      }
      let front = Set(
        ParetoFront.indices(cost: points.map(\.0), worth: points.map(\.1)))
      for (index, point) in points.enumerated() {
        let isBeaten = points.contains {
          $0.0 <= point.0 && $0.1 >= point.1 && ($0.0 < point.0 || $0.1 > point.1)
        }
        #expect(front.contains(index) == !isBeaten)
      }
    }
  }
}
