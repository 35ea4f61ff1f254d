extension HeadLayout {
  /// What an axis may count.
  public static let axisNames = [
    "batch", "levels", "rows", "columns", "cells", "anchors", "boxes", "fields", "one",
  ]

  /// What a field may be: four numbers of a box, an objectness, a score for each class, one
  /// confidence, the index of a class, the index of the image, or further numbers.
  public static let fieldNames = [
    "box", "objectness", "classes", "confidence", "class", "image", "ignore N",
  ]

  /// One field of an output.
  struct Field: Hashable {
    var role: String
    /// How many numbers it has.
    var width: Int
    /// Whether each anchor has its own.
    var isEach: Bool
  }

  /// A field as it is written; `nil` for a word that is none.
  func field(_ text: String, classes: Int, bins: Int) -> Field? {
    var words = text.split(separator: " ").map(String.init)
    let isEach = words.first == "each"
    if isEach { words.removeFirst() }
    switch (words.first, words.count) {
    case ("box", 1): return Field(role: "box", width: 4 * bins, isEach: isEach)
    case ("classes", 1):
      return Field(
        role: "classes", width: classes + (background == .none ? 0 : 1), isEach: isEach)
    case ("objectness", 1), ("confidence", 1), ("class", 1), ("image", 1):
      return Field(role: words[0], width: 1, isEach: isEach)
    case ("ignore", 2):
      return Int(words[1]).flatMap {
        $0 > 0 ? Field(role: "ignore", width: $0, isEach: isEach) : nil
      }
    default: return nil
    }
  }

  /// The names of four numbers that make a box.
  static let boxForms: [Set<String>] = [
    ["cx", "cy", "w", "h"], ["x1", "y1", "x2", "y2"], ["x1", "y1", "w", "h"],
    ["left", "top", "right", "bottom"],
  ]

  /// What is wrong with the layout: the key of the part, and a rule; `nil` where nothing is.
  func fault(strides: [Int]?, classes: Int) -> (key: [String], rule: String)? {
    if outputs.isEmpty { return (["outputs"], "names no output") }
    for (index, output) in outputs.enumerated() {
      let place = ["outputs", "\(index)"]
      if let level = output.level, level < 0 || level >= (strides?.count ?? .max) {
        return (place + ["level"], "is the index of a stride, from 0 on")
      }
      for name in output.axes.flatMap({ $0.split(separator: "*").map(String.init) })
      where !Self.axisNames.contains(name) {
        return (
          place + ["axes"],
          "has '\(name)'; an axis counts \(Self.axisNames.joined(separator: ", ")), or several "
            + "joined by *"
        )
      }
      let counted = Set(output.axes.flatMap { $0.split(separator: "*").map(String.init) })
      let isGrid = !counted.isDisjoint(with: ["levels", "rows", "columns", "cells", "anchors"])
      if isGrid == counted.contains("boxes") {
        return (place + ["axes"], "count boxes, or cells by their levels, rows and columns")
      }
      for text in output.fields where field(text, classes: classes, bins: 1) == nil {
        return (
          place + ["fields"],
          "has '\(text)'; fields are \(Self.fieldNames.joined(separator: ", ")), with each before "
            + "one that every anchor has"
        )
      }
    }
    let kinds = Set(outputs.map { $0.axes.contains { $0.contains("boxes") } })
    if kinds.count > 1 { return (["outputs"], "count boxes, or cells, in all of them") }
    return boxFault ?? otherFault
  }

  private var boxFault: (key: [String], rule: String)? {
    let form = Set(box.fields)
    guard box.fields.count == 4, Self.boxForms.contains(form) else {
      return (
        ["box", "fields"],
        "takes cx cy w h, x1 y1 x2 y2, x1 y1 w h or left top right bottom, in any order"
      )
    }
    let needed: Set<String>? =
      switch box.coding {
      case .plain: nil
      case .distances: ["left", "top", "right", "bottom"]
      default: ["cx", "cy", "w", "h"]
      }
    if let needed, needed != form {
      return (["box", "fields"], "takes \(needed.sorted().joined(separator: " ")) in this coding")
    }
    if box.coding == .plain, form == ["left", "top", "right", "bottom"] {
      return (["box", "coding"], "is distances for left top right bottom")
    }
    if !(0...1).contains(box.point) { return (["box", "point"], "must lie between 0 and 1") }
    return nil
  }

  private var otherFault: (key: [String], rule: String)? {
    let words = Set(
      outputs.flatMap(\.fields).map { $0.split(separator: " ").last.map(String.init) })
    if !words.contains("box") { return (["outputs"], "have no box among their fields") }
    if words.isDisjoint(with: ["classes", "confidence", "objectness"]) {
      return (["outputs"], "have no classes, confidence or objectness among their fields")
    }
    let roles = ["box", "objectness", "classes", "confidence"]
    if let name = activation.keys.sorted().first(where: { !roles.contains($0) }) {
      return (["activation"], "has '\(name)'; activations are of \(roles.joined(separator: ", "))")
    }
    if activation.contains(where: { $0.key != "classes" && $0.value == .softmax }) {
      return (["activation"], "is softmax for classes alone")
    }
    if let name = score.keys.sorted().first(where: { !["objectness", "classes"].contains($0) }) {
      return (["score"], "has '\(name)'; powers are of objectness and classes")
    }
    if score.values.contains(where: { !$0.isFinite || $0 < 0 }) {
      return (["score"], "takes powers of at least 0")
    }
    if let anchors, !(1...64).contains(anchors) {
      return (["anchors"], "must lie between 1 and 64")
    }
    if let priors {
      if (priors.output == nil) == (priors.initializer == nil) {
        return (["priors"], "are in an output or in an initializer")
      }
      if priors.fields.count != 4 || !Self.boxForms.dropLast().contains(Set(priors.fields)) {
        return (["priors", "fields"], "takes cx cy w h, x1 y1 x2 y2 or x1 y1 w h, in any order")
      }
    }
    return nil
  }
}
