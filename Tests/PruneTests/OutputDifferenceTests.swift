import Compression
import Tensors
import Testing

/// What proofs go by: nothing that is no number passes for equal.
@Suite struct OutputDifferenceTests {
  private func difference(_ expected: [Float], _ found: [Float]) -> Double? {
    OutputDifference.byName(["y": Tensor(expected)], ["y": Tensor(found)])["y"]
  }

  @Test func errorsArePartsOfTheLargestElement() {
    #expect(difference([1, -4], [1, -4]) == 0)
    #expect(difference([1, -4], [2, -4]) == 0.25)
    #expect(difference([0, 0], [0, 3]) == 3)
    #expect(OutputDifference.byName(["y": Tensor([Float(1)])], [:]) == ["y": .infinity])
    #expect(difference([1], [1, 2]) == .infinity)
  }

  @Test func whatIsNotFiniteOnOneSideIsInfinitelyFar() {
    for odd in [Float.nan, .infinity, -.infinity] {
      #expect(difference([1, odd, 2], [1, 1, 2]) == .infinity)
      #expect(difference([1, 1, 2], [1, odd, 2]) == .infinity)
      #expect(difference([1, odd, 2], [1, odd, 2]) == 0)
      // The infinity is not the measure of the rest.
      #expect(difference([1, odd, 2], [2, odd, 2]) == 0.5)
    }
    #expect(difference([.infinity], [-.infinity]) == .infinity)
    #expect(difference([.infinity], [.nan]) == .infinity)
  }

  /// What makes a network answer NaN is no harmless change.
  @Test func damageCountsWhatIsNotFinite() {
    func error(_ a: [Double], _ b: [Double]) -> Double {
      OutputDifference.relativeSquaredError(a, b)
    }
    #expect(error([1, 2, 3], [1, 2, 3]) == 0)
    #expect(error([1, 2, 3], [1, 2, 4]) == 0.5)
    for odd in [Double.nan, .infinity] {
      #expect(error([1, 2, 3], [1, odd, 3]) == .infinity)
      #expect(error([1, odd, 3], [1, 2, 3]) == .infinity)
      #expect(error([odd, 1, 3], [odd, 1, 3]) == 0)
      #expect(error([odd, 1, 3], [odd, 1, 4]) == 0.5)
    }
  }
}
