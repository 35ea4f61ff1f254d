import GraphIR
import Kernels
import Tensors

/// What `Conv` and its fused, integer and quantised kin have in common: attributes, shapes, MACs.
struct ConvolutionRule: Sendable {
  let window: SlidingWindow
  let groups: Int

  init(_ attributes: Attributes) throws {
    window = try SlidingWindow(attributes)
    groups = try attributes.int("group", default: 1)
    guard (1...SlidingWindow.largest).contains(groups) else {
      throw AttributeError.invalid(name: "group", reason: "is \(groups), expected at least 1")
    }
  }

  /// The extents of the convolution of `x` `[N, I, (H,) W]` by `w` `[O, I / groups, (kH,) kW]`; one
  /// spatial axis is taken for the last of two.
  ///
  /// - Parameter weightsInput: which input `w` is, for messages.
  /// - Throws: `OperatorError`, `AttributeError`.
  func geometry(x: [Int], w: [Int], weightsInput: Int = 1) throws -> ConvolutionGeometry {
    guard x.count == 3 || x.count == 4 else {
      throw OperatorError.shape(
        input: 0, found: x, reason: "has \(x.count - 2) spatial axes, only 1 or 2 are supported")
    }
    let fits =
      w.count == x.count && w[1].multipliedReportingOverflow(by: groups) == (x[1], false)
      && w[0].isMultiple(of: groups) && w[0] > 0 && x[1] > 0
      && w.allSatisfy { (1...SlidingWindow.largest).contains($0) }
    guard fits else {
      throw OperatorError.shape(
        input: weightsInput, found: w, reason: "does not fit an input of \(x) in \(groups) groups")
    }
    let placed = try window.placed(on: Array(x[2...]), weights: Array(w[2...])).lifted
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
    let geometry = try geometry(x: x, w: w, weightsInput: weightsInput)
    let spatial = [geometry.outputHeight, geometry.outputWidth].suffix(x.count - 2)
    return try TensorType(
      checking: elementType, [geometry.batch, geometry.outputChannels] + spatial)
  }

  /// Multiply–accumulates of the whole batch: `N·O·(I / groups)·kH·kW·H′·W′`.
  func macs(x: TensorType?, w: TensorType?) -> Int {
    guard let x, let w else { return 0 }
    return (try? geometry(x: x.shape, w: w.shape))?.macs ?? 0
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
