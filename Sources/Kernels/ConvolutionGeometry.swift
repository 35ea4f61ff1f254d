import Tensors

/// The extents of a two-dimensional convolution.
public struct ConvolutionGeometry: Sendable, Hashable {
  /// Images.
  public var batch: Int
  /// `I`.
  public var inputChannels: Int
  /// `H`.
  public var inputHeight: Int
  /// `W`.
  public var inputWidth: Int
  /// `O`.
  public var outputChannels: Int
  /// `kH`.
  public var kernelHeight: Int
  /// `kW`.
  public var kernelWidth: Int
  /// Rows from one output row to the next.
  public var strideHeight: Int
  /// Columns from one output column to the next.
  public var strideWidth: Int
  /// Rows from one tap to the next.
  public var dilationHeight: Int
  /// Columns from one tap to the next.
  public var dilationWidth: Int
  /// Rows of zeros above.
  public var padTop: Int
  /// Columns of zeros on the left.
  public var padLeft: Int
  /// Rows of zeros below.
  public var padBottom: Int
  /// Columns of zeros on the right.
  public var padRight: Int
  /// Groups of channels that do not mix.
  public var groups: Int

  /// A convolution of the given extents.
  public init(
    batch: Int = 1, inputChannels: Int, inputHeight: Int, inputWidth: Int, outputChannels: Int,
    kernelHeight: Int, kernelWidth: Int, strideHeight: Int = 1, strideWidth: Int = 1,
    dilationHeight: Int = 1, dilationWidth: Int = 1, padTop: Int = 0, padLeft: Int = 0,
    padBottom: Int = 0, padRight: Int = 0, groups: Int = 1
  ) {
    self.batch = batch
    self.inputChannels = inputChannels
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.outputChannels = outputChannels
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    self.strideHeight = strideHeight
    self.strideWidth = strideWidth
    self.dilationHeight = dilationHeight
    self.dilationWidth = dilationWidth
    self.padTop = padTop
    self.padLeft = padLeft
    self.padBottom = padBottom
    self.padRight = padRight
    self.groups = groups
  }

  /// The rows of the output:
  /// `H′ = ⌊(H + padTop + padBottom − dilation·(kH − 1) − 1) / stride⌋ + 1`.
  public var outputHeight: Int {
    (inputHeight + padTop + padBottom - dilationHeight * (kernelHeight - 1) - 1) / strideHeight + 1
  }

  /// The columns of the output:
  /// `W′ = ⌊(W + padLeft + padRight − dilation·(kW − 1) − 1) / stride⌋ + 1`.
  public var outputWidth: Int {
    (inputWidth + padLeft + padRight - dilationWidth * (kernelWidth - 1) - 1) / strideWidth + 1
  }

  /// Multiply–accumulates: `N·O·(I/groups)·kH·kW·H′·W′`, at most as many as an `Int` holds.
  public var macs: Int {
    [batch, outputChannels, depth, outputHeight, outputWidth].checkedProduct.clamped
  }

  /// Whether every channel has a filter of its own.
  public var isDepthwise: Bool { groups == inputChannels && groups == outputChannels && groups > 1 }

  /// Whether an output element depends on one position of the input only, in place.
  var isPointwise: Bool {
    kernelHeight == 1 && kernelWidth == 1 && strideHeight == 1 && strideWidth == 1
      && padTop == 0 && padLeft == 0 && padBottom == 0 && padRight == 0
  }

  /// Elements that one output element sums over.
  var depth: Int { inputChannels / groups * kernelHeight * kernelWidth }

  /// Ends the process unless these are the extents of a convolution; kernels rely on it.
  func requireSound() {
    let (extents, pads) = (
      [batch, inputHeight, inputWidth], [padTop, padLeft, padBottom, padRight]
    )
    let counts = [
      inputChannels, outputChannels, kernelHeight, kernelWidth, strideHeight, strideWidth,
      dilationHeight, dilationWidth, groups,
    ]
    let isSound =
      (extents + pads).allSatisfy { $0 >= 0 } && counts.allSatisfy { $0 > 0 }
      && inputChannels.isMultiple(of: groups) && outputChannels.isMultiple(of: groups)
      && inputHeight + padTop + padBottom > (kernelHeight - 1) * dilationHeight
      && inputWidth + padLeft + padRight > (kernelWidth - 1) * dilationWidth
    precondition(isSound, "not a convolution: \(self)")
  }

  /// Ends the process where a kernel would touch more elements than there are.
  ///
  /// Layouts ask when they are made, so that no run does and no reasoning about slack is left
  /// unchecked.
  func requireRoom(for touched: Int, in held: Int, _ what: StaticString) {
    precondition(touched <= held, "\(touched) elements in a \(what) of \(held): \(self)")
  }
}
