extension SparsityScope {
  /// Keeps a layer's weights in proportion to the sum of its extents over their product.
  ///
  /// `density = ε · (nᵢ + nₒ + kH + kW) / (nᵢ·nₒ·kH·kW)`, at most 1, with ε such that the total is
  /// met. Layers that reach density 1 stay dense, and ε is found again for the others.
  ///
  /// Reference: Evci et al., *Rigging the Lottery: Making All Tickets Winners*, ICML 2020,
  /// arXiv:1911.11134, §3.
  public static let erdosRenyiKernel = SparsityScope(
    name: "erk", summary: "layers with more weights a channel get sparser (Erdős–Rényi–Kernel)",
    citation: "Evci et al., ICML 2020, arXiv:1911.11134",
    allocate: { layers, total in
      let weights = layers.reduce(0) { $0 + $1.count }
      let raw = layers.map { layer in
        Double(layer.shape.reduce(0, +)) / Double(max(layer.shape.reduce(1, *), 1))
      }
      var isDense = [Bool](repeating: false, count: layers.count)
      var epsilon = 0.0
      while true {
        let sparse = layers.indices.filter { !isDense[$0] }
        let dense = layers.indices.filter { isDense[$0] }.reduce(0) { $0 + layers[$1].count }
        let mass = sparse.reduce(0.0) { $0 + raw[$1] * Double(layers[$1].count) }
        guard !sparse.isEmpty, mass > 0 else { break }
        epsilon = max(0, Double(weights - total - dense) / mass)
        let full = sparse.filter { epsilon * raw[$0] > 1 }
        if full.isEmpty { break }
        for index in full { isDense[index] = true }
      }
      return layers.indices
        .map { isDense[$0] ? 0 : Double(layers[$0].count) * (1 - epsilon * raw[$0]) }
        .apportioned(total, limits: layers.map(\.count))
    })
}
