import ObjectDetection

/// Boxes given by the distances of their sides from a cell's centre, each as a distribution.
struct DistributedBoxes {
  var levels: [HeadLevel]
  /// Bins of each distance, minus one.
  var regMax: Int
  /// The shift of the centre of each cell, in pixels.
  var shift = 0.0

  /// The box of a cell, in pixels.
  func box(_ maps: [RawMap], image: Int, place: Int, _ places: CellPlaces) -> SIMD4<Double> {
    var distribution = DistanceDistribution(bins: regMax + 1)
    let level = levels[places.level[place]]
    var distances = SIMD4<Double>()
    for side in 0..<4 {
      let at = offset(maps, image: image, place: place, side: side, places)
      distribution.read(maps[level.box.map].values + at, step: level.cells)
      distances[side] = Double(distribution.mean)
    }
    let (centre, scaled) = (places.centre[place] + shift, distances * Double(level.stride))
    return SIMD4(
      centre.x - scaled.x, centre.y - scaled.y, centre.x + scaled.z, centre.y + scaled.w)
  }

  /// The loss of a cell's box against an object: `boxScale · (1 − overlap)` and `focalScale` times
  /// the mean distribution focal loss of the four sides; adds the gradients.
  func penalize(
    _ maps: [RawMap], image: Int, place: Int, _ places: CellPlaces, truth: SIMD4<Double>,
    measure: BoxOverlap.Measure, boxScale: Double, focalScale: Double
  ) -> (box: Double, focal: Double) {
    let level = levels[places.level[place]]
    let map = maps[level.box.map]
    let overlap = BoxOverlap(
      box(maps, image: image, place: place, places), truth, measure)
    let stride = Double(level.stride)
    let slopes = -overlap.gradient * SIMD4(-1, -1, 1, 1) * (stride * boxScale)
    let centre = places.centre[place] + shift
    let wanted =
      SIMD4(centre.x - truth.x, centre.y - truth.y, truth.z - centre.x, truth.w - centre.y)
      / stride
    var distribution = DistanceDistribution(bins: regMax + 1)
    var focal = 0.0
    for side in 0..<4 {
      let at = offset(maps, image: image, place: place, side: side, places)
      distribution.read(map.values + at, step: level.cells)
      distribution.addMeanGradient(Float(slopes[side]), to: map.gradient + at, step: level.cells)
      focal += Double(
        distribution.focalLoss(
          Float(wanted[side]), scale: Float(focalScale / 4), to: map.gradient + at,
          step: level.cells))
    }
    return (boxScale * (1 - overlap.value), focalScale * focal / 4)
  }

  private func offset(
    _ maps: [RawMap], image: Int, place: Int, side: Int, _ places: CellPlaces
  ) -> Int {
    let channels = levels[places.level[place]].box
    return maps[channels.map].offset(
      image: image, channel: channels.first + side * (regMax + 1)) + places.cell[place]
  }
}
