extension Observer {
  /// Spans all that was seen: nothing is clipped, and one outlier widens every step.
  ///
  /// Reference: Jacob et al., CVPR 2018, arXiv:1712.05877, §3.
  public static let minMax = Observer(
    name: "minmax", summary: "all that was seen", needsHistogram: false
  ) { statistics, _ in statistics.lowest...statistics.highest }
}
