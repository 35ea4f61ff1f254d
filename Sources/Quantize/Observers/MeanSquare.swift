import Tensors

extension Observer {
  /// The range with the least expected squared error, of rounding and of clipping together.
  ///
  /// `Σ n (x − x̂(x))²` over the bins of the histogram. Reference: Banner et al., NeurIPS 2019,
  /// arXiv:1810.05723, who solve it for two distributions; here the histogram itself is summed.
  public static let meanSquare = Observer(
    name: "mse", summary: "least squared error", needsHistogram: true
  ) { statistics, scheme in
    guard let histogram = statistics.histogram else {
      return statistics.lowest...statistics.highest
    }
    let filled = histogram.counts.indices.filter { histogram.counts[$0] > 0 }
    let numbers = filled.map { (histogram.centre($0), Double(histogram.counts[$0])) }
    let integers = scheme.activationRange
    return ClipSearch.best(statistics) { range in
      let parameters = scheme.activation(range)
      return numbers.reduce(0) { sum, number in
        let error = parameters.float(parameters.quantized(number.0, in: integers)) - number.0
        return sum + number.1 * Double(error) * Double(error)
      }
    }
  }
}
