extension ChannelCriterion {
  /// Scores a channel by the sum of its filter's distances to all others of the layer.
  ///
  /// Filters near the geometric median are the most replaceable.
  ///
  /// Reference: He et al., *Filter Pruning via Geometric Median*, CVPR 2019, arXiv:1811.00250,
  /// equation 8.
  public static let fpgm = ChannelCriterion(
    name: "fpgm", summary: "filters near the geometric median of their layer go first",
    citation: "He et al., CVPR 2019, arXiv:1811.00250", need: .weights,
    scores: { evidence, _ in
      let filters = evidence.filters
      var sums = [Double](repeating: 0, count: filters.count)
      for first in filters.indices {
        for second in filters.indices where second > first {
          let distance = zip(filters[first], filters[second]).reduce(0.0) { sum, pair in
            let difference = Double(pair.0) - Double(pair.1)
            return sum + difference * difference
          }.squareRoot()
          sums[first] += distance
          sums[second] += distance
        }
      }
      return sums
    })
}
