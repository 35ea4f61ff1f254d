import Tensors

extension Augmentation {
  /// The random placement of a single image: as preprocessing places it, then scaled about the
  /// centre, shifted and perhaps mirrored.
  func placement(
    _ base: Preprocessing.Placement, width: Int, height: Int, _ random: inout CounterRandom
  ) -> Preprocessing.Placement {
    var result = base
    let factor = 1 + Double.random(in: -1...1, using: &random) * scale
    let shiftX = Double.random(in: -1...1, using: &random) * translation * Double(width)
    let shiftY = Double.random(in: -1...1, using: &random) * translation * Double(height)
    let (middleX, middleY) = (Double(width) / 2, Double(height) / 2)
    result.scaleX *= factor
    result.scaleY *= factor
    result.offsetX = middleX + (base.offsetX - middleX) * factor + shiftX
    result.offsetY = middleY + (base.offsetY - middleY) * factor + shiftY
    if Double.random(in: 0..<1, using: &random) < flip {
      result.scaleX = -result.scaleX
      result.offsetX = Double(width) - result.offsetX
    }
    return result
  }
}

extension Preprocessing {
  /// The placement of an image of the given extents in the input, see
  /// ``apply(_:width:height:to:)``.
  func placement(
    ofWidth imageWidth: Int, height imageHeight: Int, width: Int, height: Int
  ) -> Placement {
    let (x, y) = (Double(width) / Double(imageWidth), Double(height) / Double(imageHeight))
    guard fit != .stretch else { return Placement(scaleX: x, scaleY: y, offsetX: 0, offsetY: 0) }
    let scale = min(x, y)
    let isCentred = fit == .letterboxCentre
    func gap(_ extent: Int, _ image: Int) -> Double {
      isCentred
        ? Double((extent - max(1, Int((Double(image) * scale).rounded(.toNearestOrEven)))) / 2) : 0
    }
    return Placement(
      scaleX: scale, scaleY: scale, offsetX: gap(width, imageWidth),
      offsetY: gap(height, imageHeight))
  }
}
