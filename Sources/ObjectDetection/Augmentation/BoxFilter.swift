/// Which objects are still worth learning once an image is cut, shrunk or covered.
enum BoxFilter {
  /// Network pixels that a box keeps at least, across and down.
  static let minimumExtent = 2.0
  /// The fraction of its area that a box keeps at least.
  static let minimumArea = 0.2
  /// How many times longer than wide a box may become.
  static let maximumAspect = 40.0

  /// The boxes of an image in network pixels, cut at a window; those that fall below the limits are left out.
  static func kept(
    _ boxes: [LabelledBox], at placement: Preprocessing.Placement,
    within window: TrainingCanvas.Window
  ) -> [LabelledBox] {
    boxes.compactMap { object in
      let whole = placement.networkBox(object.box)
      let cut = Box(
        left: max(whole.left, Double(window.columns.lowerBound)),
        top: max(whole.top, Double(window.rows.lowerBound)),
        right: min(whole.right, Double(window.columns.upperBound)),
        bottom: min(whole.bottom, Double(window.rows.upperBound)))
      guard cut.width >= minimumExtent, cut.height >= minimumExtent,
        cut.area >= minimumArea * whole.area,
        max(cut.width / cut.height, cut.height / cut.width) <= maximumAspect
      else { return nil }
      return LabelledBox(box: cut, classIndex: object.classIndex)
    }
  }
}

extension Preprocessing.Placement {
  /// The box in network pixels of a box in image pixels; a negative scale mirrors.
  func networkBox(_ box: Box) -> Box {
    let (a, b) = (box.left * scaleX + offsetX, box.right * scaleX + offsetX)
    let (c, d) = (box.top * scaleY + offsetY, box.bottom * scaleY + offsetY)
    return Box(left: min(a, b), top: min(c, d), right: max(a, b), bottom: max(c, d))
  }
}
