import GraphIR
import Kernels
import Tensors

/// What `Conv` and its fused, integer and quantised variants have in common: attributes, shapes,
/// MACs.
struct ConvolutionRule: Sendable {
  let window: SlidingWindow
  let groups: Int

  init(_ attributes: Attributes) throws {
    var window = try SlidingWindow(attributes)
    window.ceilMode = false
    self.window = window
    groups = try attributes.int("group", default: 1)
    guard (1...SlidingWindow.largest).contains(groups) else {
      throw AttributeError.invalid(name: "group", reason: "is \(groups), expected at least 1")
    }
  }

  /// The window of the convolution of `x` `[N, I, …, W]` by `w` `[O, I / groups, …, kW]`, on as
  /// many axes as they have.
  ///
  /// - Parameter weightsInput: which input `w` is, for messages.
  /// - Throws: `OperatorError`, `AttributeError`.
  func placed(x: [Int], w: [Int], weightsInput: Int = 1) throws -> PlacedWindow {
    guard (3...8).contains(x.count) else {
      throw OperatorError.shape(
        input: 0, found: x, reason: "has \(x.count) axes, expected 3 to 8")
    }
    let fits =
      w.count == x.count && w[1].multipliedReportingOverflow(by: groups) == (x[1], false)
      && w[0].isMultiple(of: groups)
      && w[..<2].allSatisfy { (0...SlidingWindow.largest).contains($0) }
      && w[2...].allSatisfy { (1...SlidingWindow.largest).contains($0) }
    guard fits else {
      throw OperatorError.shape(
        input: weightsInput, found: w, reason: "does not fit an input of \(x) in \(groups) groups")
    }
    return try window.placed(on: Array(x[2...]), weights: Array(w[2...]))
  }

  /// The extents of the convolution of `x` `[N, I, (H,) W]` by `w` `[O, I / groups, (kH,) kW]`; one
  /// spatial axis is taken for the last of two.
  ///
  /// - Throws: `OperatorError`, `AttributeError`; the former for three axes too, see
  ///   ``PlainConvolution``.
  func geometry(x: [Int], w: [Int], weightsInput: Int = 1) throws -> ConvolutionGeometry {
    let placed = try placed(x: x, w: w, weightsInput: weightsInput).lifted
    guard x[1] > 0, w[0] > 0 else {
      throw OperatorError.shape(input: 0, found: x, reason: "or the weights \(w) have no channels")
    }
    guard placed.extents.count == 2 else {
      throw OperatorError.shape(
        input: 0, found: x,
        reason: "has \(placed.extents.count) spatial axes, this supports only 1 or 2")
    }
    // A step beyond the padded input is never taken, whatever its length.
    let strides = (0..<2).map {
      min(placed.strides[$0], placed.extents[$0] + placed.padsBefore[$0] + placed.padsAfter[$0])
    }
    return ConvolutionGeometry(
      batch: x[0], inputChannels: x[1], inputHeight: placed.extents[0],
      inputWidth: placed.extents[1], outputChannels: w[0], kernelHeight: placed.kernel[0],
      kernelWidth: placed.kernel[1], strideHeight: strides[0],
      strideWidth: strides[1], dilationHeight: placed.dilations[0],
      dilationWidth: placed.dilations[1], padTop: placed.padsBefore[0],
      padLeft: placed.padsBefore[1], padBottom: placed.padsAfter[0],
      padRight: placed.padsAfter[1], groups: groups)
  }

  /// The output's type for inputs of the given shapes.
  func outputType(
    x: [Int], w: [Int], holds elementType: ElementType, weightsInput: Int = 1
  ) throws -> TensorType {
    let placed = try placed(x: x, w: w, weightsInput: weightsInput)
    return try TensorType(checking: elementType, [x[0], w[0]] + placed.outputs)
  }

  /// Multiply–accumulates of the whole batch: `N·O·(I / groups)·kH·kW·H′·W′`.
  func macs(x: TensorType?, w: TensorType?) -> Int {
    guard let x, let w, let placed = try? placed(x: x.shape, w: w.shape) else { return 0 }
    return ([x.shape[0]] + w.shape + placed.outputs).product
  }

  /// Whether the kernels have as many axes, and channels to work on.
  func hasKernel(x: [Int], w: [Int]) -> Bool { x.count <= 4 && x[1] > 0 && w[0] > 0 }

  /// The convolution by plain loops, where there is no kernel.
  func plain(x: [Int], w: [Int], weightsInput: Int = 1) throws -> PlainConvolution {
    PlainConvolution(
      try placed(x: x, w: w, weightsInput: weightsInput), batch: x[0], inputs: x[1],
      outputs: w[0], groups: groups)
  }
}

extension PlacedWindow {
  /// The same window on two axes, the first of extent 1, when it lies on one.
  var lifted: PlacedWindow {
    guard extents.count == 1 else { return self }
    return PlacedWindow(
      extents: [1] + extents, kernel: [1] + kernel, strides: [1] + strides,
      dilations: [1] + dilations, padsBefore: [0] + padsBefore, padsAfter: [0] + padsAfter,
      outputs: [1] + outputs)
  }
}

extension ConvolutionGeometry {
  /// The attributes that place the window so, on the last `axes` axes.
  func attributes(axes: Int) -> Attributes {
    [
      "strides": .ints([strideHeight, strideWidth].suffix(axes)),
      "dilations": .ints([dilationHeight, dilationWidth].suffix(axes)),
      "pads": .ints([padTop, padLeft].suffix(axes) + [padBottom, padRight].suffix(axes)),
      "group": .int(groups),
    ]
  }

  /// Rows and columns of the padded input beyond the reach of the last window.
  var uncovered: [Int] {
    [
      inputHeight + padTop + padBottom
        - (outputHeight - 1) * strideHeight - (kernelHeight - 1) * dilationHeight - 1,
      inputWidth + padLeft + padRight
        - (outputWidth - 1) * strideWidth - (kernelWidth - 1) * dilationWidth - 1,
    ]
  }
}
