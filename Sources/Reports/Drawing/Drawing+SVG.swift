import Foundation

extension Drawing {
  /// The colours of an SVG drawing.
  enum Colours {
    /// The colours of a light page, for separate files.
    case fixed
    /// Style sheet variables of the page that contains the drawing.
    case variables
  }

  /// The drawing as a self-contained SVG element.
  func svg(_ colours: Colours = .fixed) -> String {
    var text =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(SVG.number(width)) "
      + "\(SVG.number(height))\""
    if colours == .fixed {
      text += " width=\"\(SVG.number(width))\" height=\"\(SVG.number(height))\""
    }
    text += " font-family=\"Helvetica, Arial, Liberation Sans, Nimbus Sans, sans-serif\">\n"
    let writer = SVGWriter(colours: colours)
    if colours == .fixed {
      text += "<rect width=\"100%\" height=\"100%\" fill=\"\(Ink.paper.hexadecimal)\"/>\n"
    }
    return text + elements.map(writer.element).joined() + "</svg>\n"
  }
}

/// Turns elements into SVG.
private struct SVGWriter {
  let colours: Drawing.Colours

  func element(_ element: Drawing.Element) -> String {
    switch element {
    case .path(let points, let isClosed, let fill, let stroke):
      let places = points.map { "\(SVG.number($0.x)),\(SVG.number($0.y))" }
      return "<\(isClosed ? "polygon" : "polyline") points=\"\(places.joined(separator: " "))\""
        + paint(fill, stroke) + "/>\n"
    case .circle(let centre, let radius, let fill, let stroke):
      return "<circle cx=\"\(SVG.number(centre.x))\" cy=\"\(SVG.number(centre.y))\" "
        + "r=\"\(SVG.number(radius))\"" + paint(fill, stroke) + "/>\n"
    case .text(let text): return self.text(text)
    case .picture(let picture, let frame):
      return "<image x=\"\(SVG.number(frame.left))\" y=\"\(SVG.number(frame.top))\" "
        + "width=\"\(SVG.number(frame.width))\" height=\"\(SVG.number(frame.height))\" "
        + "href=\"data:image/jpeg;base64,\(picture.jpeg.base64EncodedString())\"/>\n"
    case .hint(let text, let inner):
      return "<g class=\"hint\"><title>\(SVG.escaped(text))</title>\n"
        + inner.map(self.element).joined() + "</g>\n"
    }
  }

  private func colour(_ ink: Ink) -> String {
    colours == .fixed ? ink.hexadecimal : "var(\(ink.variable))"
  }

  private func paint(_ fill: Ink?, _ stroke: Drawing.Stroke?) -> String {
    var text = " fill=\"\(fill.map(colour) ?? "none")\""
    guard let stroke else { return text }
    text += " stroke=\"\(colour(stroke.ink))\" stroke-width=\"\(SVG.number(stroke.width))\""
    if !stroke.dashes.isEmpty {
      text += " stroke-dasharray=\"\(stroke.dashes.map(SVG.number).joined(separator: " "))\""
    }
    return text
  }

  private func text(_ text: Drawing.Text) -> String {
    let (x, y) = (SVG.number(text.at.x), SVG.number(text.at.y))
    var line = "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(SVG.number(text.size))\""
    switch text.anchor {
    case .start: break
    case .middle: line += " text-anchor=\"middle\""
    case .end: line += " text-anchor=\"end\""
    }
    if text.isBold { line += " font-weight=\"bold\"" }
    if text.isUpward { line += " transform=\"rotate(-90 \(x) \(y))\"" }
    return line + " fill=\"\(colour(text.ink))\">\(SVG.escaped(text.string))</text>\n"
  }
}

/// Pieces of SVG.
enum SVG {
  /// A coordinate with at most two decimals.
  static func number(_ value: Double) -> String {
    let text = String(format: "%.2f", value)
    return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
  }

  /// Text with markup characters escaped.
  static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: ">", with: "&gt;")
      .replacingOccurrences(of: "\"", with: "&quot;")
  }
}
