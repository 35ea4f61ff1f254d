extension SparsityScope {
  /// Distributes zeros over layers such that the sum of measured damages is least.
  ///
  /// Layers whose damage was not measured get the common sparsity.
  ///
  /// Reference: see ``SparsityLadder``.
  public static let measured = SparsityScope(
    name: "measured", summary: "by what zeros in each layer do to the findings, for obs",
    citation: "Frantar and Alistarh, ICML 2022, arXiv:2201.13096",
    allocate: { layers, total in
      let weights = layers.reduce(0) { $0 + $1.count }
      let share = weights > 0 ? Double(total) / Double(weights) : 0
      var zeros = layers.map { Double($0.count) * share }
        .apportioned(total, limits: layers.map(\.count))
      let measured = layers.indices.filter { layers[$0].ladder != nil }
      let own = measured.reduce(0) { $0 + zeros[$1] }
      if let counts = measured.compactMap({ layers[$0].ladder }).zeros(total: own) {
        for (index, count) in zip(measured, counts) { zeros[index] = count }
      }
      return zeros
    }, needsLadders: true)
}
