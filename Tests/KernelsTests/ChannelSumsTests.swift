import Kernels
import Tensors
import TestSupport
import Testing

/// Sums over channels against plain sums in float64, for every instruction set and planes of every
/// remainder.
@Suite struct ChannelSumsTests {
  @Test(arguments: InstructionSet.supported, [1, 7, 16, 33, 131, 400])
  func agreeWithPlainSums(set: InstructionSet, plane: Int) {
    let (batch, channels) = (3, 2)
    var random = CounterRandom(seed: 8)
    func values() -> [Float] {
      (0..<batch * channels * plane + 64).map { _ in Float.random(in: -1...3, using: &random) }
    }
    let (a, b) = (values(), values())
    let sums = ChannelSums([batch, channels, plane], instructionSet: set)
    for channel in 0..<channels {
      let places = (0..<batch).flatMap { image in
        (0..<plane).map { (image * channels + channel) * plane + $0 }
      }
      func check(_ value: Double, _ terms: [Double]) {
        let scale = terms.reduce(0) { $0 + abs($1) }
        #expect(abs(value - terms.reduce(0, +)) <= scale * Tolerance.rounding.bound)
      }
      check(sums.sum(channel, of: a), places.map { Double(a[$0]) })
      check(
        sums.squares(channel, of: a, shift: 0.75),
        places.map { (Double(a[$0]) - 0.75) * (Double(a[$0]) - 0.75) })
      check(
        sums.product(channel, of: a, with: b, shift: 0.75),
        places.map { Double(a[$0]) * (Double(b[$0]) - 0.75) })
      var blended = [Float](repeating: .nan, count: a.count)
      blended.withUnsafeMutableBufferPointer {
        guard let base = $0.baseAddress else { return }
        sums.blend(channel, of: a, with: b, to: base, ofA: 2, ofB: -0.5, offset: 1)
      }
      for place in places {
        #expect(abs(blended[place] - (2 * a[place] - 0.5 * b[place] + 1)) < 1e-5)
      }
      #expect(blended.count { !$0.isNaN } == places.count)
    }
  }
}
