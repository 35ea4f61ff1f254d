/// A network's input under construction: 8-bit RGB pixels and the objects on them.
struct TrainingCanvas {
  let width: Int
  let height: Int
  var pixels: [UInt8]
  var objects: [LabelledBox] = []

  /// An empty canvas of one grey.
  init(width: Int, height: Int, fill: UInt8) {
    (self.width, self.height) = (width, height)
    pixels = Array(repeating: fill, count: width * height * 3)
  }

  /// A part of the canvas.
  struct Window {
    var columns: Range<Int>
    var rows: Range<Int>
  }

  /// The whole canvas.
  var whole: Window { Window(columns: 0..<width, rows: 0..<height) }

  /// Draws an image at a placement, within a window, and adds its objects.
  ///
  /// An image that becomes smaller is first shrunk as in evaluation. Then pixels are interpolated
  /// bilinearly between pixel centres. Boxes are clipped to the window and filtered by
  /// ``BoxFilter``.
  mutating func draw(
    _ image: PixelBuffer, _ boxes: [LabelledBox], at placement: Preprocessing.Placement,
    within window: Window
  ) {
    objects += BoxFilter.kept(boxes, at: placement, within: window)
    let width = max(1, Int((Double(image.width) * abs(placement.scaleX)).rounded(.toNearestOrEven)))
    let height = max(
      1, Int((Double(image.height) * abs(placement.scaleY)).rounded(.toNearestOrEven)))
    guard width < image.width || height < image.height else {
      return paint(image, at: placement, within: window)
    }
    var nearer = placement
    nearer.scaleX *= Double(image.width) / Double(width)
    nearer.scaleY *= Double(image.height) / Double(height)
    paint(
      Resampling.bilinear(image, width: width, height: height), at: nearer, within: window)
  }

  private mutating func paint(
    _ image: PixelBuffer, at placement: Preprocessing.Placement, within window: Window
  ) {
    let columns = taps(
      window.columns, scale: placement.scaleX, offset: placement.offsetX, extent: image.width)
    let rows = taps(
      window.rows, scale: placement.scaleY, offset: placement.offsetY, extent: image.height)
    let (stride, targetWidth) = (image.width * 3, width)
    image.pixels.withUnsafeBufferPointer { source in
      pixels.withUnsafeMutableBufferPointer { target in
        for row in rows {
          for column in columns {
            let a = row.first * stride + column.first * 3
            let b = row.first * stride + column.second * 3
            let c = row.second * stride + column.first * 3
            let d = row.second * stride + column.second * 3
            let to = (row.target * targetWidth + column.target) * 3
            for channel in 0..<3 {
              let upper =
                Int32(source[a + channel]) * (256 - column.part)
                + Int32(source[b + channel]) * column.part
              let lower =
                Int32(source[c + channel]) * (256 - column.part)
                + Int32(source[d + channel]) * column.part
              target[to + channel] = UInt8(
                truncatingIfNeeded: (upper * (256 - row.part) + lower * row.part + (1 << 15)) >> 16)
            }
          }
        }
      }
    }
  }

  /// The source pixels of a column or row of the canvas.
  ///
  /// Columns and rows beyond the image's edge have none.
  private struct Tap {
    var target: Int
    var first: Int
    var second: Int
    var part: Int32
  }

  private func taps(_ range: Range<Int>, scale: Double, offset: Double, extent: Int) -> [Tap] {
    range.compactMap { target in
      let place = (Double(target) + 0.5 - offset) / scale
      guard place >= 0, place < Double(extent) else { return nil }
      let centred = min(max(place - 0.5, 0), Double(extent - 1))
      let first = Int(centred)
      return Tap(
        target: target, first: first, second: min(first + 1, extent - 1),
        part: Int32(((centred - Double(first)) * 256).rounded()))
    }
  }
}
