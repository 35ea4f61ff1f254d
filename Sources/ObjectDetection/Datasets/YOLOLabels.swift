import Foundation

/// Reads the label files of a YOLO set.
struct YOLOLabels {
  /// How many classes there are.
  let classes: Int
  /// How many numbers of key points follow a box; `nil` when polygons may.
  let keypoints: Int?

  /// A labelled object, relative to its image.
  struct Object: Hashable {
    var label: Int
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    /// The same in single precision, in which Ultralytics' reader compares labels.
    var rounded: Object {
      Object(
        label: label, x: Double(Float(x)), y: Double(Float(y)), width: Double(Float(width)),
        height: Double(Float(height)))
    }

    /// The object in an image of the given size.
    func annotation(id: Int, image: Int, _ size: (width: Int, height: Int)) -> Dataset.Annotation {
      let (w, h) = (Double(size.width), Double(size.height))
      return Dataset.Annotation(
        id: id, image: image, category: label, x: (x - width / 2) * w, y: (y - height / 2) * h,
        width: width * w, height: height * h)
    }
  }

  /// The objects of a file, each once.
  ///
  /// - Throws: ``DatasetError``.
  func read(_ url: URL, _ remarks: inout DatasetRemarks) throws -> [Object] {
    var seen: Set<Object> = []
    var result: [Object] = []
    for line in try TextFile(url).lines {
      let object = try object(line, of: url)
      if seen.insert(object.rounded).inserted {
        result.append(object)
      } else {
        remarks.note(
          "labels stand in their file twice and count once", "\(url.path) line \(line.number)")
      }
    }
    return result
  }

  /// Whether an error is about labels, not about the image they belong to.
  static func isOfLabels(_ error: any Error) -> Bool {
    if case DatasetError.notFound = error { return false }
    return error is DatasetError
  }

  private func object(_ line: TextFile.Line, of url: URL) throws(DatasetError) -> Object {
    func bad(_ reason: String) -> DatasetError {
      .malformed(
        file: url.path, place: "line \(line.number)",
        reason: "\(reason), found '\(line.text.prefix(80))'")
    }
    let fields = line.text.split(whereSeparator: \.isWhitespace)
    let values = fields.compactMap { Double($0) }.filter(\.isFinite)
    guard values.count == fields.count, values.count >= 5, let label = Int(exactly: values[0]),
      (0..<classes).contains(label)
    else { throw bad("expected 'class x y width height' with a class below \(classes)") }
    var box = Object(label: label, x: values[1], y: values[2], width: values[3], height: values[4])
    var checked = values[1..<5]
    if let keypoints, values.count > 5 {
      guard values.count == 5 + keypoints else {
        throw bad("expected 5 numbers and \(keypoints) of key points, as kpt_shape says")
      }
    } else if values.count > 5 {
      guard values.count % 2 == 1 else {
        throw bad("expected 'class x y width height' with a class below \(classes), or a polygon")
      }
      checked = values[1...]
      box = Self.around(values, label)
    }
    guard checked.allSatisfy({ (-0.01...1.01).contains($0) }) else {
      throw bad("expected coordinates relative to the image, between 0 and 1")
    }
    return box
  }

  /// The box around a polygon.
  private static func around(_ values: [Double], _ label: Int) -> Object {
    let xs = stride(from: 1, to: values.count, by: 2).map { values[$0] }
    let ys = stride(from: 2, to: values.count, by: 2).map { values[$0] }
    let (left, top) = (xs.min() ?? 0, ys.min() ?? 0)
    let (width, height) = ((xs.max() ?? 0) - left, (ys.max() ?? 0) - top)
    return Object(
      label: label, x: left + width / 2, y: top + height / 2, width: width, height: height)
  }
}
