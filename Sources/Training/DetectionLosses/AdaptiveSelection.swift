import ObjectDetection

/// Assigns cells of one image to objects, with a threshold for each object (ATSS).
///
/// The candidates of an object are, at each scale, the `candidates` cells nearest to its centre.
/// Each counts as a square with a side of `extent` strides. A candidate is positive when its
/// overlap with the object is at least the mean plus the standard deviation of all candidates'
/// overlaps, and its centre lies within the object. A cell that is positive for several objects is
/// assigned to the one it overlaps most.
///
/// Reference: Zhang et al., *Bridging the Gap Between Anchor-based and Anchor-free Detection via
/// ATSS*, CVPR 2020, arXiv:1912.02424. Deviates in one respect: an object without a positive cell
/// is assigned to its best candidate.
struct AdaptiveSelection {
  var candidates = 9
  /// The side of a cell's square, in strides.
  var extent = 5.0

  /// The object of each positive cell, by ascending cell.
  func positives(
    _ targets: [LabelledBox], levels: [HeadLevel], places: CellPlaces
  ) -> [(cell: Int, target: Int)] {
    var owner: [Int: (target: Int, overlap: Double)] = [:]
    for (index, target) in targets.enumerated() {
      let truth = target.box.corners
      let middle = SIMD2(truth.x + truth.z, truth.y + truth.w) / 2
      var found: [(cell: Int, overlap: Double)] = []
      var first = 0
      for level in levels {
        func distance(_ cell: Int) -> Double {
          let gap = places.centre[cell] - middle
          return (gap * gap).sum()
        }
        let nearest = (first..<first + level.cells).sorted {
          (distance($0), $0) < (distance($1), $1)
        }.prefix(candidates)
        let half = extent * Double(level.stride) / 2
        found += nearest.map { cell in
          let centre = places.centre[cell]
          let square = SIMD4(
            centre.x - half, centre.y - half, centre.x + half, centre.y + half)
          return (cell, BoxOverlap(square, truth, .iou).value)
        }
        first += level.cells
      }
      for choice in chosen(found, truth, places) {
        if let other = owner[choice.cell], other.overlap >= choice.overlap { continue }
        owner[choice.cell] = (index, choice.overlap)
      }
    }
    return owner.sorted { $0.key < $1.key }.map { ($0.key, $0.value.target) }
  }

  private func chosen(
    _ found: [(cell: Int, overlap: Double)], _ truth: SIMD4<Double>, _ places: CellPlaces
  ) -> [(cell: Int, overlap: Double)] {
    guard !found.isEmpty else { return [] }
    let count = Double(found.count)
    let mean = found.reduce(0) { $0 + $1.overlap } / count
    let squares = found.reduce(0) { $0 + ($1.overlap - mean) * ($1.overlap - mean) }
    let threshold = mean + (squares / max(count - 1, 1)).squareRoot()
    let answering = found.filter { candidate in
      let centre = places.centre[candidate.cell]
      return candidate.overlap >= threshold && centre.x > truth.x && centre.x < truth.z
        && centre.y > truth.y && centre.y < truth.w
    }
    if !answering.isEmpty { return answering }
    return found.max { ($0.overlap, $1.cell) < ($1.overlap, $0.cell) }.map { [$0] } ?? []
  }
}
