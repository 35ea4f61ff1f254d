import GraphIR
import Tensors

/// The computation of a resize whose axes are planned: a gather when every axis copies, else one
/// mixing pass for each axis that changes, innermost first.
struct ResizeKernel: Sendable {
  /// The type of the elements; float32 unless every axis copies.
  var elementType: ElementType
  /// The axes, outermost first.
  var axes: [AxisResampling]
  /// The value of elements outside of the input.
  var extrapolation: Float

  var kernel: Kernel {
    let hasOutside = axes.contains { !$0.outside.isEmpty }
    if !hasOutside, axes.allSatisfy({ $0.taps == 1 }) { return gatherKernel }
    let passes = self.passes
    let extrapolation = extrapolation
    let largest = passes.map { $0.outer * $0.axis.output * $0.inner }.max() ?? 0
    let axes = axes
    return Kernel(algorithm: "separable", scratchBytes: 2 * largest * 4) { call in
      guard let x = call.inputs[0]?.elements(as: Float.self),
        var source = UnsafePointer(x.baseAddress),
        let target = call.outputs[0].elements(as: Float.self).baseAddress
      else { return }
      let scratch = call.scratch.assumingMemoryBound(to: Float.self)
      for (index, pass) in passes.enumerated() {
        let isLast = index == passes.count - 1
        let destination = isLast ? target : scratch + index % 2 * largest
        pass.run(from: source, to: destination, pool: call.pool)
        source = UnsafePointer(destination)
      }
      if passes.isEmpty { target.update(from: source, count: call.outputs[0].count) }
      if hasOutside { Self.fillOutside(axes, extrapolation, call.outputs[0]) }
    }
  }

  private var passes: [ResizePass] {
    var shape = axes.map(\.input)
    var passes: [ResizePass] = []
    for (index, axis) in axes.enumerated().reversed() where !axis.isIdentity {
      passes.append(
        ResizePass(
          axis: axis, outer: shape[..<index].product, inner: shape[(index + 1)...].product))
      shape[index] = axis.output
    }
    return passes
  }

  private static func fillOutside(_ axes: [AxisResampling], _ value: Float, _ output: TensorView) {
    let y = output.elements(as: Float.self)
    for index in y.indices {
      var rest = index
      for axis in axes.reversed() {
        let place = rest % axis.output
        rest /= axis.output
        if !axis.outside.isEmpty, axis.outside[place] { y[index] = value }
      }
    }
  }

  private var gatherKernel: Kernel {
    switch elementType.bitWidth {
    case 8: gatherKernel(UInt8.self)
    case 16: gatherKernel(UInt16.self)
    case 64: gatherKernel(UInt64.self)
    default: gatherKernel(UInt32.self)
    }
  }

  /// Copies rows of the last axis; equal rows next to each other are made once.
  private func gatherKernel<Element: BitwiseCopyable>(_: Element.Type) -> Kernel {
    guard let columns = axes.last else {
      return Kernel(algorithm: "copy") { call in
        guard let x = call.inputs[0] else { return }
        call.outputs[0].bytes.copyMemory(from: UnsafeRawBufferPointer(x.bytes))
      }
    }
    let rowAxes = Array(axes.dropLast())
    let strides = axes.map(\.input).contiguousStrides
    // Rows are dealt out in planes so that repeated rows stay within one part.
    let plane = rowAxes.last?.output ?? 1
    let outer = rowAxes.dropLast().map(\.output).product
    return Kernel(algorithm: "gather") { call in
      guard let input = call.inputs[0]?.base.assumingMemoryBound(to: Element.self) else { return }
      let output = call.outputs[0].base.assumingMemoryBound(to: Element.self)
      call.pool.forEach(outer) { part in
        var (rest, base) = (part, 0)
        for index in rowAxes.indices.dropLast().reversed() {
          base += Int(rowAxes[index].places[rest % rowAxes[index].output]) * strides[index]
          rest /= rowAxes[index].output
        }
        var previous = -1
        for row in 0..<plane {
          let place = rowAxes.last.map { Int($0.places[row]) } ?? 0
          let target = output + (part * plane + row) * columns.output
          if place == previous {
            target.update(from: target - columns.output, count: columns.output)
          } else {
            let source = input + base + place * (rowAxes.isEmpty ? 0 : columns.input)
            columns.places.withUnsafeBufferPointer { places in
              for column in 0..<columns.output { target[column] = source[Int(places[column])] }
            }
          }
          previous = place
        }
      }
    }
  }
}

/// One axis of a value resampled by mixing: `[outer, input, inner]` becomes
/// `[outer, output, inner]`.
struct ResizePass: Sendable {
  /// The mixture.
  var axis: AxisResampling
  /// The product of the extents before the axis.
  var outer: Int
  /// The product of the extents after it.
  var inner: Int

  func run(
    from source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    pool.forEach(outer) { part in
      let input = source + part * axis.input * inner
      let output = target + part * axis.output * inner
      axis.places.withUnsafeBufferPointer { places in
        axis.weights.withUnsafeBufferPointer { weights in
          inner == 1
            ? mixElements(input, output, places, weights) : mixRows(input, output, places, weights)
        }
      }
    }
  }

  private func mixElements(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ places: UnsafeBufferPointer<Int32>, _ weights: UnsafeBufferPointer<Float>
  ) {
    let taps = axis.taps
    for index in 0..<axis.output {
      guard taps > 1 else {
        output[index] = input[Int(places[index])]
        continue
      }
      var sum: Float = 0
      for tap in index * taps..<(index + 1) * taps { sum += weights[tap] * input[Int(places[tap])] }
      output[index] = sum
    }
  }

  private func mixRows(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>,
    _ places: UnsafeBufferPointer<Int32>, _ weights: UnsafeBufferPointer<Float>
  ) {
    let (taps, inner) = (axis.taps, inner)
    for index in 0..<axis.output {
      let row = output + index * inner
      let first = input + Int(places[index * taps]) * inner
      guard taps > 1 else {
        row.update(from: first, count: inner)
        continue
      }
      let firstWeight = weights[index * taps]
      for place in 0..<inner { row[place] = firstWeight * first[place] }
      for tap in index * taps + 1..<(index + 1) * taps {
        let (weight, other) = (weights[tap], input + Int(places[tap]) * inner)
        for place in 0..<inner { row[place] += weight * other[place] }
      }
    }
  }
}
