/// How the shape of a value counts classes.
///
/// Each axis is a product of parts, as a reshape merges and separates them. A part is a row of
/// segments: the five fields of an anchor and then its classes, for example.
struct ClassLayout: Equatable {
  /// Elements side by side.
  enum Segment: Equatable {
    case fixed(Int)
    /// One element for each class.
    case classes

    func extent(_ classes: Int) -> Int {
      if case .fixed(let count) = self { count } else { classes }
    }
  }

  /// Segments side by side.
  struct Part: Equatable {
    var segments: [Segment]

    /// Elements that no class changes.
    static func fixed(_ count: Int) -> Part { Part(segments: [.fixed(count)]) }

    var countsClasses: Bool { segments.contains(.classes) }

    func extent(_ classes: Int) -> Int { segments.reduce(0) { $0 + $1.extent(classes) } }

    /// The part cut at ascending places of its old extent, which begin with 0 and end with the
    /// extent; `nil` where a cut goes through classes.
    func cut(at places: [Int], classes: Int) -> [Part]? {
      var parts = [Part](repeating: Part(segments: []), count: places.count - 1)
      var start = 0
      for segment in segments {
        let end = start + segment.extent(classes)
        for index in parts.indices {
          let (low, high) = (max(start, places[index]), min(end, places[index + 1]))
          guard low < high else { continue }
          switch segment {
          case .fixed: parts[index].append(.fixed(high - low))
          case .classes:
            guard low == start, high == end else { return nil }
            parts[index].append(.classes)
          }
        }
        start = end
      }
      return parts
    }

    /// The part that is repeated `count` times; `nil` where it is not.
    func period(_ count: Int, classes: Int) -> Part? {
      let size = extent(classes) / count
      let parts = cut(at: (0...count).map { $0 * size }, classes: classes)
      return parts.flatMap { parts in parts.allSatisfy { $0 == parts[0] } ? parts[0] : nil }
    }

    mutating func append(_ segment: Segment) {
      if case .fixed(let more) = segment, case .fixed(let count)? = segments.last {
        segments[segments.count - 1] = .fixed(count + more)
      } else {
        segments.append(segment)
      }
    }
  }

  /// An element of a new axis.
  struct Place: Equatable {
    /// Its index in the old axis, or that of the first class beside which it stands.
    var old: Int
    /// The class, for elements of classes.
    var label: Int?
  }

  var axes: [[Part]]

  /// A shape that does not count classes.
  init(fixed shape: [Int]) { axes = shape.map { [.fixed($0)] } }

  var countsClasses: Bool { axes.contains { $0.contains(where: \.countsClasses) } }

  /// The axes that count classes.
  var countingAxes: [Int] {
    axes.indices.filter { axes[$0].contains(where: \.countsClasses) }
  }

  /// The shape with a number of classes.
  func shape(_ classes: Int) -> [Int] { axes.map { Self.extent($0, classes) } }

  static func extent(_ parts: [Part], _ classes: Int) -> Int {
    parts.reduce(1) { $0 * $1.extent(classes) }
  }

  /// Where each element of a new axis comes from.
  static func places(_ parts: [Part], old: Int, new: Int) -> [Place] {
    parts.reduce([Place(old: 0)]) { outer, part in
      let inner = places(part, old: old, new: new)
      let extent = part.extent(old)
      return outer.flatMap { place in
        inner.map { Place(old: place.old * extent + $0.old, label: $0.label ?? place.label) }
      }
    }
  }

  private static func places(_ part: Part, old: Int, new: Int) -> [Place] {
    var start = 0
    return part.segments.flatMap { segment -> [Place] in
      defer { start += segment.extent(old) }
      let first = start
      switch segment {
      case .fixed(let count): return (0..<count).map { Place(old: first + $0) }
      case .classes: return (0..<new).map { Place(old: first, label: $0) }
      }
    }
  }

  /// The layout after the elements are counted by other axes; `nil` where an axis would hold some
  /// of the classes only.
  func reshaped(to shape: [Int], classes: Int) -> ClassLayout? {
    var rest = axes.joined().reversed() as [Part]
    var result: [[Part]] = []
    for extent in shape {
      var axis: [Part] = []
      var missing = extent
      if extent == 1, let part = rest.last, part.extent(classes) == 1 {
        axis.append(rest.removeLast())
      }
      while missing > 1, let part = rest.popLast() {
        let count = part.extent(classes)
        if count > 0, missing % count == 0 {
          axis.append(part)
          missing /= count
        } else if count % missing == 0, let period = part.period(missing, classes: classes) {
          axis.append(.fixed(missing))
          rest.append(period)
          missing = 1
        } else {
          return nil
        }
      }
      guard missing == 1 else { return nil }
      result.append(axis)
    }
    guard rest.allSatisfy({ $0.extent(classes) == 1 && !$0.countsClasses }) else { return nil }
    var layout = ClassLayout(fixed: [])
    layout.axes = result
    return layout
  }
}
