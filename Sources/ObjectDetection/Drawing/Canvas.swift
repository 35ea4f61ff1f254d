import Foundation

/// An image that boxes and labels are drawn on.
public struct Canvas {
  /// The image with what was drawn so far.
  public private(set) var image: PixelBuffer

  /// A canvas with an image on it.
  public init(_ image: PixelBuffer) { self.image = image }

  /// Fills the pixels of columns `[left, right)` and rows `[top, bottom)` that lie in the image.
  public mutating func fill(left: Int, top: Int, right: Int, bottom: Int, _ colour: RGB) {
    let (first, last) = (max(left, 0), min(right, image.width))
    guard first < last else { return }
    for row in max(top, 0)..<max(min(bottom, image.height), max(top, 0)) {
      for column in first..<last {
        let at = (row * image.width + column) * 3
        image.pixels[at] = colour.red
        image.pixels[at + 1] = colour.green
        image.pixels[at + 2] = colour.blue
      }
    }
  }

  /// Draws the outline of a box; the line lies inside of it.
  public mutating func outline(_ box: Box, width: Int, _ colour: RGB) {
    func pixel(_ value: Double, _ limit: Int) -> Int {
      Int(min(max(value, 0), Double(limit)).rounded())
    }
    let (left, top) = (pixel(box.left, image.width), pixel(box.top, image.height))
    let right = max(pixel(box.right, image.width), left + 1)
    let bottom = max(pixel(box.bottom, image.height), top + 1)
    fill(left: left, top: top, right: right, bottom: min(top + width, bottom), colour)
    fill(left: left, top: max(bottom - width, top), right: right, bottom: bottom, colour)
    fill(left: left, top: top, right: min(left + width, right), bottom: bottom, colour)
    fill(left: max(right - width, left), top: top, right: right, bottom: bottom, colour)
  }

  /// Draws a line of text with its upper left corner at a pixel; each pixel of the font is `scale`
  /// wide and high.
  public mutating func write(_ text: String, left: Int, top: Int, scale: Int, _ colour: RGB) {
    for (index, character) in text.enumerated() {
      let x = left + index * (BitmapFont.width + 1) * scale
      guard x < image.width else { return }
      for (row, pixels) in BitmapFont.rows(character).enumerated() {
        for (column, isSet) in pixels.enumerated() where isSet {
          fill(
            left: x + column * scale, top: top + row * scale, right: x + (column + 1) * scale,
            bottom: top + (row + 1) * scale, colour)
        }
      }
    }
  }
}
