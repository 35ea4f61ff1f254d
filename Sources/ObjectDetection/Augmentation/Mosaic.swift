import Tensors

extension Augmentation {
  /// The placements of four images around a random point, and the quarter of the canvas that each
  /// fills.
  ///
  /// Each image is scaled to about the input's size and placed so that one of its corners lies at
  /// the point.
  ///
  /// Reference: Bochkovskiy et al., *YOLOv4*, 2020, arXiv:2004.10934, §3.3, Differs from YOLOv5 in
  /// using a canvas of the input's size; YOLOv5 uses twice that size and crops.
  func mosaicPlacements(
    _ sizes: [(width: Int, height: Int)], width: Int, height: Int, _ random: inout CounterRandom
  ) -> [(placement: Preprocessing.Placement, window: TrainingCanvas.Window)] {
    let x = Int(Double(width) * Double.random(in: 0.3...0.7, using: &random))
    let y = Int(Double(height) * Double.random(in: 0.3...0.7, using: &random))
    return sizes.enumerated().map { index, size in
      let (isRight, isLower) = (index % 2 == 1, index / 2 == 1)
      let factor = (1 + Double.random(in: -1...1, using: &random) * scale) * 0.75
      let fit =
        min(
          Double(width) / Double(size.width), Double(height) / Double(size.height)) * factor
      let (extentX, extentY) = (Double(size.width) * fit, Double(size.height) * fit)
      var placement = Preprocessing.Placement(
        scaleX: fit, scaleY: fit, offsetX: isRight ? Double(x) : Double(x) - extentX,
        offsetY: isLower ? Double(y) : Double(y) - extentY)
      if Double.random(in: 0..<1, using: &random) < flip {
        placement.offsetX += extentX
        placement.scaleX = -fit
      }
      return (
        placement,
        TrainingCanvas.Window(
          columns: isRight ? x..<width : 0..<x, rows: isLower ? y..<height : 0..<y)
      )
    }
  }
}
