import Tensors

/// How an image becomes a network's input.
///
/// `x[c, row, column] = (pixel[channel(c)] − mean[c]) / std[c]`, after the image is fitted to the
/// input's size.
public struct Preprocessing: Codable, Hashable, Sendable {
  /// How an image is fitted to an input of another shape.
  public enum Fit: String, Codable, Sendable, CaseIterable {
    /// Each axis is scaled by itself.
    case stretch
    /// Scaled with its aspect ratio kept, centred, and the rest filled.
    case letterboxCentre = "letterbox-centre"
    /// Scaled with its aspect ratio kept, placed at the upper left, and the rest filled.
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

  /// A preprocessing with the given parts.
  ///
  /// A single number for `mean` or `std` is used for all channels.
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

  /// Sets mean and deviation so that pixels stay as they are, from 0 to 255.
  mutating func takeBytes() {
    (mean, std) = ([0, 0, 0], [1, 1, 1])
  }

  /// The map from image pixels to network pixels: `network = image · scale + offset`.
  public struct Placement: Sendable, Hashable {
    /// Network columns per image column.
    public var scaleX: Double
    /// Network rows per image row.
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

  /// Writes the input for an image as float32 `[3, height, width]`.
  ///
  /// - Parameters:
  ///   - width: The input's columns.
  ///   - height: The input's rows.
  /// - Returns: Where the image lies in the input.
  public func apply(
    _ image: PixelBuffer, width: Int, height: Int, to target: UnsafeMutablePointer<Float>
  ) -> Placement {
    let site = Site(target: target, isPlanar: true, width: width, height: height)
    return fill(site, with: image) { $0 }
  }

  /// Writes the input for an image in the layout and type that a network takes.
  ///
  /// - Parameter target: The memory of the input, one image. Bytes are rounded and clamped to
  ///   0…255.
  /// - Returns: Where the image lies in the input.
  public func apply(
    _ image: PixelBuffer, as input: ImageInput, to target: UnsafeMutableRawPointer
  ) -> Placement {
    func fill<Element: BitwiseCopyable>(_ element: (Float) -> Element) -> Placement {
      let site = Site(
        target: target.assumingMemoryBound(to: Element.self),
        isPlanar: input.layout == .channelsFirst, width: input.width, height: input.height)
      return self.fill(site, with: image, element)
    }
    switch input.elementType {
    case .float16: return fill { Float16($0) }
    case .bfloat16: return fill { BFloat16($0) }
    case .uint8: return fill { UInt8(min(max($0.rounded(.toNearestOrEven), 0), 255)) }
    default: return fill { $0 }
    }
  }

  /// The memory of an input, and the strides between its elements.
  private struct Site<Element: BitwiseCopyable> {
    let target: UnsafeMutablePointer<Element>
    let isPlanar: Bool
    let width: Int
    let height: Int

    var pixelStride: Int { isPlanar ? 1 : 3 }

    /// The first element of a channel.
    func plane(_ channel: Int) -> UnsafeMutablePointer<Element> {
      target + (isPlanar ? channel * width * height : channel)
    }
  }

  private func fill<Element: BitwiseCopyable>(
    _ site: Site<Element>, with image: PixelBuffer, _ element: (Float) -> Element
  ) -> Placement {
    let (width, height) = (site.width, site.height)
    guard fit != .stretch else {
      write(
        Resampling.bilinear(image, width: width, height: height), atX: 0, y: 0, site, element)
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
      let plane = site.plane(channel)
      let filling = element((Float(pad) - mean[channel]) / std[channel])
      for pixel in 0..<width * height { plane[pixel * site.pixelStride] = filling }
    }
    write(
      Resampling.bilinear(image, width: inner.width, height: inner.height), atX: x, y: y, site,
      element)
    return Placement(
      scaleX: scale, scaleY: scale, offsetX: Double(x), offsetY: Double(y))
  }

  private func write<Element: BitwiseCopyable>(
    _ image: PixelBuffer, atX x: Int, y: Int, _ site: Site<Element>, _ element: (Float) -> Element
  ) {
    let stride = site.pixelStride
    for channel in 0..<3 {
      let source = order == .rgb ? channel : 2 - channel
      let table = (0..<256).map { element((Float($0) - mean[channel]) / std[channel]) }
      table.withUnsafeBufferPointer { table in
        image.pixels.withUnsafeBufferPointer { pixels in
          for row in 0..<min(image.height, site.height - y) {
            let to = site.plane(channel) + ((y + row) * site.width + x) * stride
            let from = row * image.width * 3 + source
            for column in 0..<min(image.width, site.width - x) {
              to[column * stride] = table[Int(pixels[from + column * 3])]
            }
          }
        }
      }
    }
  }
}
