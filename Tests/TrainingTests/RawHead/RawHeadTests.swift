import ObjectDetection
import Testing
import Training

/// Head families and the losses that they name.
@Suite struct RawHeadTests {
  @Test func everyNamedLossIsKnown() {
    let named = Set(HeadFamily.all.compactMap { $0.training?.loss })
    #expect(named == Set(LossFamily.all.map(\.name)))
    #expect(LossFamily.all.count == named.count)
  }

  /// Families that are read and not trained.
  static let untrained = ["described", "end-to-end", "yolo-fastestv2"]

  @Test func familiesWithoutALossAreListed() {
    let missing = HeadFamily.all.filter { $0.training == nil }.map(\.name)
    #expect(missing.sorted() == Self.untrained)
  }

  @Test(arguments: untrained + ["unheard-of"]) func aLossThatIsNotNamedIsNoLoss(family: String) {
    let head = RawHead(
      taps: [], levels: [], configuration: HeadConfiguration(family: family, classes: ["thing"]),
      regMax: 0)
    #expect(throws: RawHeadError.noLoss(family: family)) { try head.loss() }
  }
}
