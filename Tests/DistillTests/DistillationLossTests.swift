import Distill
import TestSupport
import Testing

/// What every loss must do.
@Suite struct DistillationLossTests {
  static let names = DistillationLoss.all.map(\.name)
  /// Losses that compare what a learned network makes of the student with the teacher.
  static let translating: Set = ["fitnet", "ft", "mgd", "adversarial", "adversarial-output"]

  /// Smaller steps for losses with kinks close by.
  static let steps: [String: Float] = ["ft": 1e-4, "adversarial-output": 3e-4]

  @Test(arguments: names)
  func theGradientIsTheSlopeOfTheValue(name: String) throws {
    let fixture = PairFixture()
    let term = try fixture.term(name, name == "fgd" ? ["global": 1e-3] : [:])
    let error = try fixture.directionalError(step: Self.steps[name] ?? 1e-3) {
      try term.evaluate(fixture.batch(), weight: 1)
    }
    #expect(error < Tolerance.finiteDifference.bound, "\(name): \(error)")
  }

  @Test(arguments: names.filter { !translating.contains($0) && $0 != "boxes" })
  func aStudentLikeItsTeacherLosesNothing(name: String) throws {
    let same = PairFixture(isEqual: true)
    let value = try same.term(name).evaluate(same.batch(), weight: 1)
    #expect(abs(value) < 1e-5, "\(name): \(value)")
    #expect(same.gradient.allSatisfy { abs($0) < 1e-5 }, "\(name)")
    let other = PairFixture()
    #expect(try other.term(name).evaluate(other.batch(), weight: 1) > 1e-4, "\(name)")
  }

  @Test(arguments: names)
  func theWeightScalesValueAndGradient(name: String) throws {
    let fixture = PairFixture()
    let term = try fixture.term(name)
    let one = try term.evaluate(fixture.batch(), weight: 1)
    let gradient = fixture.gradient
    let three = try term.evaluate(fixture.batch(), weight: 3)
    #expect(normalizedMaxError([three], [3 * one]) < Tolerance.fastMath.bound)
    #expect(
      normalizedMaxError(fixture.gradient, gradient.map { 3 * $0 }) < Tolerance.fastMath.bound)
  }

  @Test(arguments: names)
  func threadsDoNotMatter(name: String) throws {
    let fixture = PairFixture()
    var results: [(Double, [Float])] = []
    for threads in [1, 3] {
      let term = try fixture.term(name)
      let value = try term.evaluate(fixture.batch(learns: true, threads: threads), weight: 1)
      results.append((value, fixture.gradient))
    }
    #expect(results[0].0 == results[1].0 && results[0].1 == results[1].1)
  }

  /// What is learnt along with the student brings the loss down on maps that stay.
  @Test(arguments: ["fitnet", "mgd", "cwd", "pkd", "fsp", "fgd", "irg"])
  func adaptersLearn(name: String) throws {
    let fixture = PairFixture()
    let term = try fixture.term(name)
    #expect(!term.learned.isEmpty)
    let before = try term.evaluate(fixture.batch(), weight: 1)
    for _ in 0..<30 { _ = try term.evaluate(fixture.batch(learns: true), weight: 1) }
    let after = try term.evaluate(fixture.batch(), weight: 1)
    #expect(after < 0.95 * before, "\(name): \(before) to \(after)")
  }

  @Test(arguments: names)
  func everyLossIsDescribed(name: String) throws {
    let loss = try #require(DistillationLoss.named(name))
    #expect(!loss.summary.isEmpty && !loss.citation.isEmpty && loss.weight > 0)
    #expect(loss.settings.allSatisfy { $0.range.contains($0.value) && !$0.summary.isEmpty })
    #expect(Self.names.count { $0 == name } == 1)
  }
}

/// What single losses must do.
@Suite struct SingleLossTests {
  @Test func theParaphraserLearnsFirstAndIsThenFixed() throws {
    let fixture = PairFixture()
    let term = try fixture.term("ft", ["paraphrase": 0.5])
    let (paraphraser, encoder) = (term.learned[0], term.learned[1])
    let first = paraphraser.weights
    #expect(try term.evaluate(fixture.batch(learns: true, progress: 0.1), weight: 1) == 0)
    #expect(fixture.gradient.allSatisfy { $0 == 0 })
    #expect(paraphraser.weights != first)
    #expect(try term.evaluate(fixture.batch(learns: true, progress: 0.6), weight: 1) > 0)
    let learnt = paraphraser.weights
    for (name, values) in encoder.weights { #expect(learnt[name] == values) }
    _ = try term.evaluate(fixture.batch(learns: true, progress: 0.7), weight: 1)
    #expect(paraphraser.weights == learnt)
  }

  @Test(arguments: ["adversarial", "adversarial-output"])
  func theDiscriminatorLearnsToTellTheNetworksApart(name: String) throws {
    let fixture = PairFixture()
    let term = try fixture.term(name)
    let before = try term.evaluate(fixture.batch(), weight: 1)
    for _ in 0..<40 { _ = try term.evaluate(fixture.batch(learns: true), weight: 1) }
    #expect(try term.evaluate(fixture.batch(), weight: 1) > 1.5 * before)
  }

  @Test func theEarlyStoppedTeacherFallsSilent() throws {
    let fixture = PairFixture()
    let (whole, fading) = (try fixture.term("kd"), try fixture.term("eskd", ["until": 0.8]))
    let full = try whole.evaluate(fixture.batch(), weight: 1)
    func value(_ progress: Double) throws -> Double {
      try fading.evaluate(fixture.batch(progress: progress), weight: 1)
    }
    #expect(normalizedMaxError([try value(0)], [full]) < Tolerance.fastMath.bound)
    #expect(normalizedMaxError([try value(0.4)], [full / 2]) < Tolerance.fastMath.bound)
    #expect(try value(0.8) == 0)
    #expect(fixture.gradient.allSatisfy { $0 == 0 })
  }

  @Test func foregroundAndBackgroundMakeUpTheWhole() throws {
    let fixture = PairFixture()
    func value(_ foreground: Double, _ background: Double) throws -> Double {
      let settings = ["foreground": foreground, "background": background]
      return try fixture.term("kd", settings).evaluate(fixture.batch(), weight: 1)
    }
    let (objects, rest) = (try value(1, 0), try value(0, 1))
    #expect(objects > 0 && rest > 0)
    #expect(normalizedMaxError([objects + rest], [try value(1, 1)]) < Tolerance.fastMath.bound)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let fixture = PairFixture()
    #expect(throws: DistillationError.batch(loss: "rkd", needed: 3, found: 2)) {
      try fixture.term("rkd", images: 2)
    }
    let loss = try #require(DistillationLoss.named("kd"))
    #expect(throws: DistillationError.heads(loss: "kd", reason: "they are not recognised")) {
      try loss.make(
        DistillationContext(loss: .init(loss), points: [], heads: nil, images: 2))
    }
    let features = try #require(DistillationLoss.named("fsp"))
    #expect(throws: DistillationError.noPoints(loss: "fsp", needed: 2, found: 1)) {
      try features.make(
        DistillationContext(
          loss: .init(features), points: Array(fixture.points.prefix(1)), heads: nil, images: 2))
    }
  }
}
