import Kernels
import Tensors

/// Convolutions on any number of spatial axes, and their transposes, tap by tap.
///
/// For three axes and more, which detectors of images do not have: correct, not fast. Planes and
/// rows have kernels of their own, see `ConvolutionGeometry`.
struct PlainConvolution: Sendable {
  /// Which elements meet at each tap; of a transposed convolution, the input's lie where outputs
  /// do.
  private let runs: WindowRuns
  private let inputPlane: Int
  private let outputPlane: Int
  private let batch: Int
  private let inputs: Int
  private let outputs: Int
  private let groups: Int

  /// A convolution of a batch of `inputs` channels into `outputs` channels, both in `groups`.
  init(_ window: PlacedWindow, batch: Int, inputs: Int, outputs: Int, groups: Int) {
    runs = WindowRuns(window)
    (inputPlane, outputPlane) = (window.extents.product, window.outputs.product)
    (self.batch, self.inputs, self.outputs, self.groups) = (batch, inputs, outputs, groups)
  }

  /// `y[n,o] = bias[o] + Σᵢ x[n,i] ⋆ w[o,i]`, with w `[O, I / groups, …]`.
  func run(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    to y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let (inner, outer) = (inputs / groups, outputs / groups)
    let step = runs.step
    pool.forEach(batch * outputs) { plane in
      let (image, channel) = plane.quotientAndRemainder(dividingBy: outputs)
      let target = y + plane * outputPlane
      target.update(repeating: bias?[channel] ?? 0, count: outputPlane)
      for input in 0..<inner {
        let source = x + (image * inputs + channel / outer * inner + input) * inputPlane
        for tap in 0..<runs.taps {
          let weight = w[(channel * inner + input) * runs.taps + tap]
          runs.forEachRun(tap: tap) { run in
            let (to, from) = (target + run.output, source + run.input)
            for index in 0..<run.count { to[index] += weight * from[index * step] }
          }
        }
      }
    }
  }

  /// The sums `Σᵢ (x − zₓ) ⋆ (w − z_w)` of one output channel of one image, wrapping at 32 bits.
  func sums(
    _ x: QuantizedView, zero: Int32, _ w: QuantizedView, weightZero: Int32, image: Int,
    channel: Int, to target: UnsafeMutablePointer<Int32>
  ) {
    let (inner, outer) = (inputs / groups, outputs / groups)
    target.update(repeating: 0, count: outputPlane)
    for input in 0..<inner {
      let source = (image * inputs + channel / outer * inner + input) * inputPlane
      for tap in 0..<runs.taps {
        let weight = w[(channel * inner + input) * runs.taps + tap] &- weightZero
        runs.forEachRun(tap: tap) { run in
          for index in 0..<run.count {
            let value = x[source + run.input + index * runs.step] &- zero
            target[run.output + index] &+= weight &* value
          }
        }
      }
    }
  }

  /// The transpose: every element of x, which lies where outputs do, adds its multiple of the
  /// filter to y.
  ///
  /// - Parameter w: `[outputs, inputs / groups, …]`, as the convolution has it that this is the
  ///   transpose of.
  func runTransposed(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    to y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let (inner, outer) = (inputs / groups, outputs / groups)
    let step = runs.step
    pool.forEach(batch * inputs) { plane in
      let (image, channel) = plane.quotientAndRemainder(dividingBy: inputs)
      let target = y + plane * inputPlane
      target.update(repeating: bias?[channel] ?? 0, count: inputPlane)
      for output in channel / inner * outer..<(channel / inner + 1) * outer {
        let source = x + (image * outputs + output) * outputPlane
        for tap in 0..<runs.taps {
          let weight = w[(output * inner + channel % inner) * runs.taps + tap]
          runs.forEachRun(tap: tap) { run in
            let (to, from) = (target + run.input, source + run.output)
            for index in 0..<run.count { to[index * step] += weight * from[index] }
          }
        }
      }
    }
  }
}
