/// How an image becomes a network's input: the one place that says so.
///
/// `x[c, row, column] = (pixel[channel(c)] − mean[c]) / std[c]`, after the image was fitted to the input's size.
public struct Preprocessing: Codable, Hashable, Sendable {
  /// How an image of another shape is brought to the input's.
  public enum Fit: String, Codable, Sendable, CaseIterable {
    /// Each axis is scaled by itself.
    case stretch
    /// Scaled as a whole, centred, the rest filled.
    case letterboxCentre = "letterbox-centre"
    /// Scaled as a whole, put at the upper left, the rest filled.
    case letterboxTopLeft = "letterbox-topleft"
  }

  /// Which colour comes first.
  public enum ChannelOrder: String, Codable, Sendable, CaseIterable {
    case rgb = "RGB"
    case bgr = "BGR"
  }

  /// How the image is fitted.
  public var fit: Fit
  /// The value of filled pixels.
  public var pad: Int
  /// The order of channels in the input.
  public var order: ChannelOrder
  /// What is subtracted, by input channel.
  public var mean: [Float]
  /// What is divided by, by input channel.
  public var std: [Float]

  /// A preprocessing with the given parts; one number of `mean` or `std` serves all channels.
  public init(
    fit: Fit = .stretch, pad: Int = 114, order: ChannelOrder = .rgb, mean: [Float] = [0],
    std: [Float] = [255]
  ) {
    self.fit = fit
    self.pad = pad
    self.order = order
    self.mean = mean.count == 1 ? Array(repeating: mean[0], count: 3) : mean
    self.std = std.count == 1 ? Array(repeating: std[0], count: 3) : std
  }

  /// How network pixels and image pixels relate: `network = image · scale + offset`.
  public struct Placement: Sendable, Hashable {
    /// Network columns an image column.
    public var scaleX: Double
    /// Network rows an image row.
    public var scaleY: Double
    /// Network column of the image's left edge.
    public var offsetX: Double
    /// Network row of the image's upper edge.
    public var offsetY: Double

    /// The box in image pixels of a box in network pixels.
    public func imageBox(_ box: Box) -> Box {
      Box(
        left: (box.left - offsetX) / scaleX, top: (box.top - offsetY) / scaleY,
        right: (box.right - offsetX) / scaleX, bottom: (box.bottom - offsetY) / scaleY)
    }
  }

  /// Writes the input for an image.
  ///
  /// - Parameters:
  ///   - width: The input's columns.
  ///   - height: The input's rows.
  ///   - target: `[3, height, width]`.
  /// - Returns: Where the image lies in the input.
  public func apply(
    _ image: PixelBuffer, width: Int, height: Int, to target: UnsafeMutablePointer<Float>
  ) -> Placement {
    guard fit != .stretch else {
      write(
        Resampling.bilinear(image, width: width, height: height), atX: 0, y: 0, width: width,
        height: height, to: target)
      return Placement(
        scaleX: Double(width) / Double(image.width),
        scaleY: Double(height) / Double(image.height), offsetX: 0, offsetY: 0)
    }
    let scale = min(
      Double(height) / Double(image.height), Double(width) / Double(image.width))
    let inner = (
      width: max(1, Int((Double(image.width) * scale).rounded(.toNearestOrEven))),
      height: max(1, Int((Double(image.height) * scale).rounded(.toNearestOrEven)))
    )
    let x = fit == .letterboxCentre ? (width - inner.width) / 2 : 0
    let y = fit == .letterboxCentre ? (height - inner.height) / 2 : 0
    for channel in 0..<3 {
      let plane = target + channel * width * height
      plane.update(
        repeating: (Float(pad) - mean[channel]) / std[channel], count: width * height)
    }
    write(
      Resampling.bilinear(image, width: inner.width, height: inner.height), atX: x, y: y,
      width: width, height: height, to: target)
    return Placement(
      scaleX: scale, scaleY: scale, offsetX: Double(x), offsetY: Double(y))
  }

  private func write(
    _ image: PixelBuffer, atX x: Int, y: Int, width: Int, height: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    for channel in 0..<3 {
      let source = order == .rgb ? channel : 2 - channel
      let table = (0..<256).map { (Float($0) - mean[channel]) / std[channel] }
      table.withUnsafeBufferPointer { table in
        image.pixels.withUnsafeBufferPointer { pixels in
          for row in 0..<min(image.height, height - y) {
            let to = target + (channel * height + y + row) * width + x
            let from = row * image.width * 3 + source
            for column in 0..<min(image.width, width - x) {
              to[column] = table[Int(pixels[from + column * 3])]
            }
          }
        }
      }
    }
  }
}
