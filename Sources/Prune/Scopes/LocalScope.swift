extension SparsityScope {
  /// Gives every layer the same sparsity.
  public static let local = SparsityScope(
    name: "local", summary: "every layer gets the same sparsity",
    citation: "",
    allocate: { layers, total in
      let weights = layers.reduce(0) { $0 + $1.count }
      let share = weights > 0 ? Double(total) / Double(weights) : 0
      return layers.map { Double($0.count) * share }
        .apportioned(total, limits: layers.map(\.count))
    })
}
