/// An image of 8-bit RGB pixels, interleaved.
public struct PixelBuffer: Sendable, Equatable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// `height × width × 3` values: red, green, blue.
  public var pixels: [UInt8]

  /// An image of the given pixels.
  ///
  /// - Precondition: there are `width · height · 3` of them.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * 3)
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

/// A colour with 8 bits per channel.
public struct RGB: Sendable, Hashable {
  /// Red.
  public var red: UInt8
  /// Green.
  public var green: UInt8
  /// Blue.
  public var blue: UInt8

  /// A colour of the given channels.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }
}
