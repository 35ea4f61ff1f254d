import Foundation

/// Draws what a detector found: an outline in the colour of the class, labelled with its name and
/// the confidence.
public struct DetectionOverlay: Sendable {
  /// The names of the classes.
  public var classes: [String]

  /// An overlay for a detector with the given classes.
  public init(classes: [String]) { self.classes = classes }

  /// The image with the detections on it, the most confident on top.
  public func draw(_ detections: [Detection], on image: PixelBuffer) -> PixelBuffer {
    var canvas = Canvas(image)
    // Lines and letters grow with the image: 2 and 1 pixels at 640, 4 and 3 at 1280, and less in
    // narrow images.
    let longer = max(image.width, image.height)
    let extent = Double(min(longer, 3 * min(image.width, image.height)))
    let line = max(1, Int((extent / 320).rounded()))
    let scale = max(1, Int((extent / 500).rounded()))
    let ordered = detections.indices.sorted {
      (detections[$0].confidence, $1) < (detections[$1].confidence, $0)
    }
    for index in ordered {
      canvas.outline(detections[index].box, width: line, Self.colour(detections[index].classIndex))
    }
    for index in ordered { label(detections[index], line: line, scale: scale, on: &canvas) }
    return canvas.image
  }

  private func label(_ detection: Detection, line: Int, scale: Int, on canvas: inout Canvas) {
    let (imageWidth, imageHeight) = (canvas.image.width, canvas.image.height)
    let name =
      classes.indices.contains(detection.classIndex)
      ? classes[detection.classIndex] : "class\(detection.classIndex)"
    let text = "\(name) \(String(format: "%.2f", detection.confidence))"
    let width = (text.count * (BitmapFont.width + 1) + 1) * scale
    let height = (BitmapFont.height + 2) * scale
    // An image that cannot hold a line of text gets its boxes only.
    guard imageHeight >= 2 * height, imageWidth >= 8 * BitmapFont.width * scale else { return }
    func clamped(_ value: Double, _ limit: Int) -> Int { Int(min(max(value, 0), Double(limit))) }
    let left = clamped(detection.box.left, max(imageWidth - width, 0))
    let boxTop = clamped(detection.box.top.rounded(), imageHeight)
    // Above the box where there is room, else inside it.
    let top = boxTop >= height ? boxTop - height : min(boxTop, imageHeight - height)
    let colour = Self.colour(detection.classIndex)
    canvas.fill(left: left, top: top, right: left + width, bottom: top + height, colour)
    canvas.write(
      text, left: left + scale, top: top + scale, scale: scale, Self.ink(on: colour))
  }

  /// The colour of a class: hues a golden section apart, in two shades, so that neighbours differ.
  public static func colour(_ classIndex: Int) -> RGB {
    let hue = (Double(classIndex) * 0.618_033_988_749_895).truncatingRemainder(dividingBy: 1) * 6
    let value = classIndex % 2 == 0 ? 1.0 : 0.8
    func channel(_ shift: Double) -> UInt8 {
      let k = (shift + hue).truncatingRemainder(dividingBy: 6)
      return UInt8((255 * (value - value * 0.85 * max(0, min(k, 4 - k, 1)))).rounded())
    }
    return RGB(channel(5), channel(3), channel(1))
  }

  /// Black or white, whichever stands out more.
  static func ink(on colour: RGB) -> RGB {
    let luma =
      0.299 * Double(colour.red) + 0.587 * Double(colour.green) + 0.114 * Double(colour.blue)
    return luma > 140 ? RGB(0, 0, 0) : RGB(255, 255, 255)
  }
}
