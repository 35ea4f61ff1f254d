import Foundation

extension Drawing {
  /// The drawing as a PDF file with one page of its size, in the fonts that every PDF reader has.
  var pdf: Data {
    var page = PDFPage(height: height)
    for element in elements { page.draw(element) }
    return PDFFile(width: width, height: height, page: page).data
  }
}

/// The content of a PDF page, whose vertical axis points upwards.
private struct PDFPage {
  let height: Double
  private(set) var content = ""
  private(set) var pictures: [Drawing.Picture] = []

  init(height: Double) { self.height = height }

  mutating func draw(_ element: Drawing.Element) {
    switch element {
    case .path(let points, let isClosed, let fill, let stroke):
      guard let first = points.first else { return }
      let lines = points.dropFirst().map { "\(place($0)) l\n" }
      paint(
        "\(place(first)) m\n" + lines.joined() + (isClosed ? "h\n" : ""), fill, stroke)
    case .circle(let centre, let radius, let fill, let stroke):
      paint(circle(centre, radius), fill, stroke)
    case .text(let text): write(text)
    case .picture(let picture, let frame):
      content +=
        "q \(SVG.number(frame.width)) 0 0 \(SVG.number(frame.height)) \(SVG.number(frame.left)) "
        + "\(SVG.number(height - frame.bottom)) cm /I\(pictures.count) Do Q\n"
      pictures.append(picture)
    case .hint(_, let inner): for element in inner { draw(element) }
    }
  }

  private func place(_ point: Drawing.Point) -> String {
    "\(SVG.number(point.x)) \(SVG.number(height - point.y))"
  }

  private func colour(_ ink: Ink) -> String {
    [16, 8, 0].map { SVG.number(Double(ink.rgb >> $0 & 255) / 255) }.joined(separator: " ")
  }

  private mutating func paint(_ path: String, _ fill: Ink?, _ stroke: Drawing.Stroke?) {
    if let fill { content += "\(colour(fill)) rg\n" }
    if let stroke {
      let dashes = stroke.dashes.map(SVG.number).joined(separator: " ")
      content += "\(colour(stroke.ink)) RG \(SVG.number(stroke.width)) w [\(dashes)] 0 d\n"
    }
    content += path + (fill != nil && stroke != nil ? "B\n" : fill != nil ? "f\n" : "S\n")
  }

  /// Four Bézier curves.
  private func circle(_ centre: Drawing.Point, _ radius: Double) -> String {
    let bend = 0.552_284_75 * radius
    func at(_ dx: Double, _ dy: Double) -> String {
      place(Drawing.Point(centre.x + dx, centre.y + dy))
    }
    return [
      "\(at(radius, 0)) m", "\(at(radius, bend)) \(at(bend, radius)) \(at(0, radius)) c",
      "\(at(-bend, radius)) \(at(-radius, bend)) \(at(-radius, 0)) c",
      "\(at(-radius, -bend)) \(at(-bend, -radius)) \(at(0, -radius)) c",
      "\(at(bend, -radius)) \(at(radius, -bend)) \(at(radius, 0)) c\nh\n",
    ].joined(separator: "\n")
  }

  private mutating func write(_ text: Drawing.Text) {
    let shift =
      switch text.anchor {
      case .start: 0.0
      case .middle: text.width / 2
      case .end: text.width
      }
    let origin =
      text.isUpward
      ? Drawing.Point(text.at.x, text.at.y + shift) : Drawing.Point(text.at.x - shift, text.at.y)
    let turn = text.isUpward ? "0 1 -1 0" : "1 0 0 1"
    content += "BT \(colour(text.ink)) rg \(turn) \(place(origin)) Tm\n"
    for run in PDFText.runs(text.string) {
      let font = run.isSymbol ? "F3" : text.isBold ? "F2" : "F1"
      content += "/\(font) \(SVG.number(text.size)) Tf (\(run.bytes)) Tj\n"
    }
    content += "ET\n"
  }
}

/// Text in the encodings of PDF's own fonts.
private enum PDFText {
  /// A stretch of text in one font, escaped.
  struct Run {
    var isSymbol: Bool
    var bytes: String
  }

  /// Code points of the font Symbol.
  private static let symbols: [Unicode.Scalar: UInt8] = [
    "α": 0x61, "β": 0x62, "γ": 0x67, "δ": 0x64, "λ": 0x6c, "μ": 0x6d, "σ": 0x73, "Δ": 0x44,
    "Σ": 0x53, "−": 0x2d, "≤": 0xa3, "≥": 0xb3, "→": 0xae, "∞": 0xa5, "≈": 0xbb, "′": 0xa2,
  ]
  /// The characters in which Windows code page 1252 differs from Latin 1.
  private static let windows: [Unicode.Scalar: UInt8] = [
    "…": 0x85, "‘": 0x91, "’": 0x92, "“": 0x93, "”": 0x94, "•": 0x95, "–": 0x96, "—": 0x97,
    "™": 0x99, "€": 0x80,
  ]

  static func runs(_ text: String) -> [Run] {
    var runs: [Run] = []
    for scalar in text.unicodeScalars {
      let symbol = symbols[scalar]
      let code = symbol ?? windows[scalar] ?? (scalar.value < 256 ? UInt8(scalar.value) : 0x3f)
      if runs.last?.isSymbol != (symbol != nil) {
        runs.append(Run(isSymbol: symbol != nil, bytes: ""))
      }
      runs[runs.count - 1].bytes += escaped(code)
    }
    return runs
  }

  private static func escaped(_ code: UInt8) -> String {
    switch code {
    case 0x28, 0x29, 0x5c: "\\" + String(UnicodeScalar(code))
    case 0x20..<0x7f: String(UnicodeScalar(code))
    default: String(format: "\\%03o", Int(code))
    }
  }
}

/// The objects of a file of one page, and where they begin.
private struct PDFFile {
  private(set) var data = Data("%PDF-1.4\n%\u{e4}\u{f6}\u{fc}\n".utf8)
  private var offsets: [Int] = []

  init(width: Double, height: Double, page: PDFPage) {
    let first = 8
    let pictures = page.pictures.indices.map { "/I\($0) \(first + $0) 0 R" }
    let fonts = "/F1 4 0 R /F2 5 0 R /F3 6 0 R"
    add("<< /Type /Catalog /Pages 2 0 R >>")
    add("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
    add(
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 \(SVG.number(width)) \(SVG.number(height))] "
        + "/Resources << /Font << \(fonts) >> /XObject << \(pictures.joined(separator: " ")) >> >> "
        + "/Contents 7 0 R >>")
    for name in ["Helvetica", "Helvetica-Bold"] {
      add(
        "<< /Type /Font /Subtype /Type1 /BaseFont /\(name) /Encoding /WinAnsiEncoding >>")
    }
    add("<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>")
    stream("", Data(page.content.utf8))
    for picture in page.pictures {
      stream(
        "/Type /XObject /Subtype /Image /Width \(picture.width) /Height \(picture.height) "
          + "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode ", picture.jpeg)
    }
    finish()
  }

  private mutating func begin() {
    offsets.append(data.count)
    data += Data("\(offsets.count) 0 obj\n".utf8)
  }

  private mutating func add(_ text: String) {
    begin()
    data += Data("\(text)\nendobj\n".utf8)
  }

  private mutating func stream(_ entries: String, _ bytes: Data) {
    begin()
    data += Data("<< \(entries)/Length \(bytes.count) >>\nstream\n".utf8)
    data += bytes
    data += Data("\nendstream\nendobj\n".utf8)
  }

  private mutating func finish() {
    let start = data.count
    var text = "xref\n0 \(offsets.count + 1)\n0000000000 65535 f \n"
    for offset in offsets { text += String(format: "%010d 00000 n \n", offset) }
    text += "trailer\n<< /Size \(offsets.count + 1) /Root 1 0 R >>\nstartxref\n\(start)\n%%EOF\n"
    data += Data(text.utf8)
  }
}
