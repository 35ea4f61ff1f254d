import Reports
import Testing

@Suite struct NumberStyleTests {
  @Test(
    arguments: [
      (NumberStyle.count, 1_234_567.0, "1,234,567"), (.count, 999, "999"),
      (.count, -1_000, "-1,000"),
      (.percent, 0.756, "75.60 %"), (.megabytes, 3_907_000, "3.907"),
      (.milliseconds, 12.345, "12.35"), (.metric, 0.33849, "0.3385"), (.metric, -1, "–"),
      (.metric, .nan, "–"), (.count, .infinity, "–"),
    ])
  func numbersReadAsPeopleExpect(style: NumberStyle, value: Double, text: String) {
    #expect(style.text(value) == text)
  }

  @Test func whatIsAbsentIsADash() {
    #expect(NumberStyle.count.text(nil) == "–")
    #expect(NumberStyle.count.change(nil, from: 1) == "–")
    #expect(NumberStyle.count.change(1, from: nil) == "–")
    #expect(NumberStyle.count.change(1, from: 0) == "–")
    #expect(NumberStyle.metric.change(-1, from: 0.5) == "–")
    #expect(NumberStyle.metric.change(.nan, from: 0.5) == "–")
  }

  @Test func aPartOfNextToNothingIsADash() {
    #expect(NumberStyle.metric.relative(0.002, from: 0.001) == "–")
    #expect(NumberStyle.percent.relative(0.5, from: 0.0003) == "–")
    #expect(NumberStyle.metric.relative(0.3, from: 0.2) == "+50.0 %")
    #expect(NumberStyle.count.relative(3, from: 2) == "+50.0 %")
  }

  @Test func costsChangeByAFactorAccuracyByADifference() {
    #expect(NumberStyle.count.change(250, from: 1000) == "× 0.250")
    #expect(NumberStyle.metric.change(0.375, from: 0.5) == "-0.1250")
    #expect(NumberStyle.percent.change(0.75, from: 0) == "+75.00 points")
  }

  @Test func wordsOfACommandLineAreQuotedWhereTheyMustBe() {
    #expect(FixedReport.manifest.commandLine == #"compress report a.onnx 'it'\''s b.onnx'"#)
  }
}
