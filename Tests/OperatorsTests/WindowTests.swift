import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Convolutions and pools on one to three axes, of any geometry, against their definitions and
/// between guarded pages.
@Suite struct WindowTests {
  /// A window on some axes.
  private struct Window {
    var extents: [Int] = []
    var kernel: [Int] = []
    var strides: [Int] = []
    var dilations: [Int] = []
    var before: [Int] = []
    var after: [Int] = []

    init(_ random: inout SplitMix64) {
      func pick(_ numbers: [Int]) -> Int {
        numbers[Int.random(in: numbers.indices, using: &random)]
      }
      for _ in 0..<pick([1, 2, 3, 3]) {
        let (kernel, dilation) = (pick([1, 1, 2, 3]), pick([1, 1, 2, 4]))
        let (before, after) = (pick([0, 0, 1, 2, 5]), pick([0, 0, 1, 2, 5]))
        let reach = (kernel - 1) * dilation + 1
        extents.append(max(1, reach - before - after) + pick([0, 1, 2, 4]))
        self.kernel.append(kernel)
        strides.append(pick([1, 1, 2, 3, 7]))
        dilations.append(dilation)
        self.before.append(before)
        self.after.append(after)
      }
    }

    var outputs: [Int] {
      extents.indices.map {
        (extents[$0] + before[$0] + after[$0] - (kernel[$0] - 1) * dilations[$0] - 1) / strides[$0]
          + 1
      }
    }

    var attributes: Attributes {
      [
        "kernel_shape": .ints(kernel), "strides": .ints(strides), "dilations": .ints(dilations),
        "pads": .ints(before + after),
      ]
    }

    /// Visits output, tap and the input under it, flat; taps in the padding are left out.
    func forEachTap(_ body: (_ output: Int, _ tap: Int, _ input: Int) -> Void) {
      for (output, place) in Self.places(outputs).enumerated() {
        for (tap, index) in Self.places(kernel).enumerated() {
          let input = place.indices.map {
            place[$0] * strides[$0] + index[$0] * dilations[$0] - before[$0]
          }
          guard zip(input, extents).allSatisfy({ $0 >= 0 && $0 < $1 }) else { continue }
          body(output, tap, zip(input, extents).reduce(0) { $0 * $1.1 + $1.0 })
        }
      }
    }

    private static func places(_ shape: [Int]) -> [[Int]] {
      shape.reduce([[]]) { outer, extent in
        outer.flatMap { place in (0..<extent).map { place + [$0] } }
      }
    }
  }

  private func run(
    _ opType: String, _ inputs: [Tensor], _ attributes: Attributes, seed: Int
  ) throws -> Tensor {
    let names = inputs.indices.map { "x\($0)" }
    let node = Node(opType, inputs: names, outputs: ["y"], attributes: attributes)
    let sample = Nonsense.Case(node: node, opset: 19, inputs: inputs)
    let op = try OperatorRegistry.standard.makeOperator(for: node, in: sample.graph)
    let operands = inputs.map { Operand(type: $0.type) }
    let types = try #require(try op.inferTypes(operands))
    let kernel = try op.prepareKernel(
      PreparationSite(inputs: operands, outputs: types, threadCount: 1))
    let guarded = GuardedRun(
      edge: seed % 2 == 0 ? .start : .end, pool: ThreadPool(threads: 1))
    let outputs = try #require(
      try guarded.outputs(of: kernel, inputs, types: Array(types.prefix(1))))
    return outputs[0]
  }

  private func floats(_ shape: [Int], _ random: inout SplitMix64) -> Tensor {
    Tensor(
      (0..<shape.product).map { _ in Float.random(in: -1...1, using: &random) }, shape: shape)
  }

  private func expect(_ y: Tensor, _ expected: [Double], _ shape: [Int], _ window: Window) {
    #expect(y.shape == shape, "\(window)")
    let values = y.elements(as: Float.self).map(Double.init)
    guard values.count == expected.count else { return }
    #expect(normalizedMaxError(values, expected) <= Tolerance.rounding.bound, "\(window)")
  }

  @Test(arguments: 0..<150) func convolutionsAndTheirTransposes(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let window = Window(&random)
    let (batch, groups, inner, outer) = (1 + seed % 2, 1 + seed % 3 / 2, 2, 3)
    let (inputs, outputs) = (groups * inner, groups * outer)
    let (area, outArea) = (window.extents.product, window.outputs.product)
    let w = floats([outputs, inner] + window.kernel, &random)
    let x = floats([batch, inputs] + window.extents, &random)
    let dy = floats([batch, outputs] + window.outputs, &random)
    var y = [Double](repeating: 0, count: dy.count)
    var dx = [Double](repeating: 0, count: x.count)
    let (xs, ws, dys) = (
      x.elements(as: Float.self), w.elements(as: Float.self), dy.elements(as: Float.self)
    )
    for image in 0..<batch {
      for o in 0..<outputs {
        for i in 0..<inner {
          let source = (image * inputs + o / outer * inner + i) * area
          let target = (image * outputs + o) * outArea
          window.forEachTap { output, tap, input in
            let weight = Double(ws[(o * inner + i) * window.kernel.product + tap])
            y[target + output] += weight * Double(xs[source + input])
            dx[source + input] += weight * Double(dys[target + output])
          }
        }
      }
    }
    var attributes = window.attributes
    attributes["group"] = .int(groups)
    expect(try run("Conv", [x, w], attributes, seed: seed), y, dy.shape, window)
    attributes["output_padding"] = .ints(
      window.extents.indices.map {
        window.extents[$0] + window.before[$0] + window.after[$0]
          - (window.outputs[$0] - 1) * window.strides[$0]
          - (window.kernel[$0] - 1) * window.dilations[$0] - 1
      })
    expect(try run("ConvTranspose", [dy, w], attributes, seed: seed), dx, x.shape, window)
  }

  @Test(arguments: 0..<150) func pools(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let window = Window(&random)
    let planes = 3
    let x = floats([1, planes] + window.extents, &random)
    let xs = x.elements(as: Float.self)
    let (area, outArea) = (window.extents.product, window.outputs.product)
    var largest = [Double](repeating: -.infinity, count: planes * outArea)
    var (sums, squares) = (largest.map { _ in 0.0 }, largest.map { _ in 0.0 })
    var counts = sums
    for plane in 0..<planes {
      window.forEachTap { output, _, input in
        let (place, value) = (plane * outArea + output, Double(xs[plane * area + input]))
        largest[place] = max(largest[place], value)
        sums[place] += value
        squares[place] += value * value
        counts[place] += 1
      }
    }
    let shape = [1, planes] + window.outputs
    expect(try run("MaxPool", [x], window.attributes, seed: seed), largest, shape, window)
    expect(
      try run("AveragePool", [x], window.attributes, seed: seed),
      zip(sums, counts).map { $0 / max($1, 1) }, shape, window)
    expect(
      try run("LpPool", [x], window.attributes, seed: seed), squares.map { $0.squareRoot() },
      shape, window)
  }

  @Test func negativePaddingIsRefusedByItsName() {
    let node = Node(
      "Conv", inputs: ["x", "w"], outputs: ["y"], attributes: ["pads": .ints([0, -1])])
    let sample = Nonsense.Case(node: node, opset: 11, inputs: [])
    do {
      _ = try OperatorRegistry.standard.makeOperator(for: node, in: sample.graph)
      Issue.record("accepted")
    } catch {
      #expect("\(error)".contains("ONNX has no negative padding"))
    }
  }
}
