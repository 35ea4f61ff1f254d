extension Observer {
  /// Leaves out as many numbers at each end as together make up what the percentage lacks of 100.
  ///
  /// Reference: Wu et al. 2020, arXiv:2004.09602, §3.3, who cut magnitudes at one end.
  public static func percentile(_ percentage: Double) -> Observer {
    let isDefault = percentage == 99.99
    return Observer(
      name: isDefault ? "percentile" : "percentile=\(percentage)",
      summary:
        "all but the rarest extremes, 99.99 % of the numbers unless percentile=P says otherwise",
      needsHistogram: true
    ) { statistics, _ in
      guard let histogram = statistics.histogram else {
        return statistics.lowest...statistics.highest
      }
      let cut = Double(histogram.total) * (100 - percentage) / 200
      func end(_ bins: some Sequence<Int>) -> Int {
        var sum = 0.0
        for bin in bins {
          sum += Double(histogram.counts[bin])
          if sum > cut { return bin }
        }
        return StreamingHistogram.half
      }
      let bins = histogram.counts.indices
      let low = histogram.centre(end(bins)) - histogram.width / 2
      let high = histogram.centre(end(bins.reversed())) + histogram.width / 2
      let lowest = max(low, statistics.lowest)
      return lowest...max(lowest, min(high, statistics.highest))
    }
  }
}
