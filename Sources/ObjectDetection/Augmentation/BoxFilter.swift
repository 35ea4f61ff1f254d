/// Which objects are still usable as labels after an image was cropped, shrunk or covered.
enum BoxFilter {
  /// The least width and height of a box, in network pixels.
  static let minimumExtent = 2.0
  /// The least fraction of its area that must be left of a box.
  static let minimumArea = 0.2
  /// The largest ratio of a box's longer side to its shorter one.
  static let maximumAspect = 40.0

  /// The boxes of an image in network pixels, clipped to a window.
  ///
  /// Boxes beyond the limits are left out.
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
