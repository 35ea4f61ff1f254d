import Testing
import Training

@Suite struct LossValueTests {
  @Test func theTotalIsTheSumOfTheParts() {
    #expect(LossValue(parts: [1, 2.5]).total == 3.5)
  }
}
