import GraphIR
import Tensors

/// The common core of instance, group and layer normalisation: consecutive runs of elements, each
/// normalised by its own statistics, then scaled and shifted.
struct NormalizedRuns {
  /// The number of runs.
  var runs: Int
  /// The elements of one run.
  var length: Int
  /// What is added to the variance.
  var epsilon: Double

  /// Normalises input 0 into output 0; `parameter` tells which element of inputs 1 (scale) and
  /// 2 (bias, optional) belongs to an element, given its run and its place in the run.
  func forward(_ call: OperatorCall, parameter: (Int, Int) -> Int) {
    call.outputs[0].elementType == .float32
      ? forward(call, Float.self, parameter) : forward(call, Double.self, parameter)
  }

  private func forward<Element: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Element.Type, _ parameter: (Int, Int) -> Int
  ) {
    guard let x = call.inputs[0]?.elements(as: Element.self),
      let scale = call.inputs[1]?.elements(as: Element.self)
    else { return }
    let bias = call.inputs.count > 2 ? call.inputs[2]?.elements(as: Element.self) : nil
    let y = call.outputs[0].elements(as: Element.self)
    let means = optionalOutput(call, 1)
    let deviations = optionalOutput(call, 2)
    call.pool.forEach(runs) { run in
      let range = run * length..<(run + 1) * length
      let statistics = RunStatistics(x, range)
      let factor = 1 / (statistics.variance + epsilon).squareRoot()
      means?[run] = Float(statistics.mean)
      deviations?[run] = Float(factor)
      for place in 0..<length {
        let index = range.lowerBound + place
        let slot = parameter(run, place)
        let normal = Element((Double(x[index]) - statistics.mean) * factor)
        y[index] = normal * scale[slot] + (bias.map { $0[slot] } ?? 0)
      }
    }
  }

  private func optionalOutput(
    _ call: OperatorCall, _ index: Int
  ) -> UnsafeMutableBufferPointer<Float>? {
    call.outputs.count > index ? call.outputs[index].elements(as: Float.self) : nil
  }
}
