extension Observer {
  /// Spans the moving averages of the images' extremes, so that one odd image counts little.
  ///
  /// Reference: Jacob et al., CVPR 2018, arXiv:1712.05877, §3.1. Images take the place of training
  /// steps.
  public static let movingAverage = Observer(
    name: "moving-average", summary: "the extremes of images, averaged", needsHistogram: false
  ) { statistics, _ in
    statistics.smoothed.lowest...max(statistics.smoothed.lowest, statistics.smoothed.highest)
  }
}
