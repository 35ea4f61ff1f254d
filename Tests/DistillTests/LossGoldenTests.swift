import Distill
import Foundation
import TestSupport
import Testing

/// Losses against PyTorch's autograd on formulas implemented a second time from the papers.
@Suite struct LossGoldenTests {
  struct Golden: Decodable {
    struct Case: Decodable {
      var name: String
      var settings: [String: Double]
      var value: Double
      var progress: Double
      var gradient: [Double]
      var weights: [[String: [Float]]]
    }

    var student: [[Float]]
    var teacher: [[Float]]
    var cases: [Case]
  }

  static let golden = try? JSONDecoder().decode(
    Golden.self,
    from: Data(
      contentsOf: SharedAssets.package.appending(path: "Tests/Goldens/Distillation/losses.json")))

  @Test(arguments: golden?.cases.map(\.name) ?? [])
  func valueAndGradientAgree(name: String) throws {
    let golden = try #require(Self.golden)
    let expected = try #require(golden.cases.first { $0.name == name })
    let fixture = PairFixture()
    fixture.set(student: golden.student, teacher: golden.teacher)
    let term = try fixture.term(name, expected.settings)
    #expect(term.learned.count == expected.weights.count)
    for (part, weights) in zip(term.learned, expected.weights) {
      #expect(weights.keys.allSatisfy(part.parameters.contains))
      for (name, values) in weights { part.set(name, values) }
    }
    let value = try term.evaluate(fixture.batch(progress: expected.progress), weight: 1)
    #expect(normalizedMaxError([value], [expected.value]) < Tolerance.fastMath.bound)
    // The head's maps come first in the fixture, then the features.
    let heads = golden.student.prefix(2).reduce(0) { $0 + $1.count }
    let isHead = DistillationLoss.named(name)?.subject == .head
    let gradient = isHead ? fixture.gradient.prefix(heads) : fixture.gradient.dropFirst(heads)
    let error = normalizedMaxError(gradient.map(Double.init), expected.gradient)
    #expect(error < Tolerance.fastMath.bound, "\(name): \(error)")
  }

  @Test func nearlyEveryLossHasAGolden() throws {
    let names = Set(try #require(Self.golden).cases.map(\.name))
    // The discriminator of outputs is that of features. Boxes are learnt by the loss of labels.
    let missing = Set(DistillationLoss.all.map(\.name)).subtracting(names)
    #expect(missing == ["adversarial-output", "boxes"])
  }
}
