extension SparsityScope {
  /// Ranks the weights of all layers together.
  public static let global = SparsityScope(
    name: "global", summary: "all layers are ranked together",
    citation: "Han et al., NIPS 2015, arXiv:1506.02626",
    allocate: { layers, total in
      struct Entry {
        var score: Float
        var layer: Int32
        var unit: Int32
      }
      var entries: [Entry] = []
      entries.reserveCapacity(layers.reduce(0) { $0 + $1.units.scores.count })
      for (index, layer) in layers.enumerated() {
        for (unit, score) in layer.units.scores.enumerated() {
          entries.append(Entry(score: score, layer: Int32(index), unit: Int32(unit)))
        }
      }
      entries.sort { ($0.score, $0.layer, $0.unit) < ($1.score, $1.layer, $1.unit) }
      var zeros = [Int](repeating: 0, count: layers.count)
      var left = total
      for entry in entries {
        let size = layers[Int(entry.layer)].units.size(of: Int(entry.unit))
        guard size <= left else { break }
        zeros[Int(entry.layer)] += size
        left -= size
      }
      return zeros
    })
}
