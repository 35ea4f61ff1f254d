import TestSupport
import Testing
import Training

@Suite struct BoxOverlapTests {
  private static let pairs: [(SIMD4<Double>, SIMD4<Double>)] = [
    (SIMD4(1, 2, 5, 9), SIMD4(2, 1, 7, 6)), (SIMD4(0, 0, 3, 3), SIMD4(5, 6, 9, 8)),
    (SIMD4(2, 2, 4, 3), SIMD4(1, 1, 8, 9)), (SIMD4(1, 1, 9, 9), SIMD4(3, 2, 5, 8)),
  ]

  @Test(arguments: [BoxOverlap.Measure.iou, .giou, .ciou])
  func aBoxCoversItself(measure: BoxOverlap.Measure) {
    let box = SIMD4<Double>(1, 2, 5, 9)
    #expect(abs(BoxOverlap(box, box, measure).value - 1) < 1e-6)
  }

  @Test(arguments: [BoxOverlap.Measure.iou, .giou])
  func gradientsAgreeWithDifferences(measure: BoxOverlap.Measure) {
    for (box, truth) in Self.pairs {
      let exact = BoxOverlap(box, truth, measure).gradient
      for side in 0..<4 {
        var (up, down) = (box, box)
        up[side] += 1e-5
        down[side] -= 1e-5
        let numeric =
          (BoxOverlap(up, truth, measure).value - BoxOverlap(down, truth, measure).value) / 2e-5
        #expect(abs(numeric - exact[side]) < 1e-6, "\(box) \(side)")
      }
    }
  }

  /// Values and gradients of a plain PyTorch implementation of the paper, with α detached.
  @Test func completeOverlapAgreesWithPyTorch() {
    for (pair, golden) in zip(Self.pairs, Self.goldens) {
      let overlap = BoxOverlap(pair.0, pair.1, .ciou)
      #expect(abs(overlap.value - golden.value) < 1e-6)
      for side in 0..<4 { #expect(abs(overlap.gradient[side] - golden.gradient[side]) < 1e-6) }
    }
  }

  private static let goldens: [(value: Double, gradient: [Double])] = [
    (0.229061460, [0.056563045, -0.085513718, 0.092052362, -0.039072838]),
    (-0.418930840, [-0.015614727, -0.006359113, 0.039681315, 0.036180754]),
    (-0.043149296, [-0.000830896, -0.021094213, 0.027379568, 0.065342001]),
    (0.171250040, [0.016923188, 0.020186187, -0.032548188, -0.020186187]),
  ]

}
