import Tensors

extension SparsityScope {
  /// Ranks all weights together by their share of the remaining energy of their layer.
  ///
  /// `score(u) = W[u]² / Σ_{v ≥ u} W[v]²` with a layer's weights in ascending order, so that the
  /// largest weight of each layer scores 1, and layers with small weights are not emptied first.
  ///
  /// Reference: Lee et al., *Layer-adaptive Sparsity for the Magnitude-based Pruning*, ICLR 2021,
  /// arXiv:2010.07611. Deviation: with blocks and patterns the scores of units take the place of
  /// weights.
  public static let lamp = SparsityScope(
    name: "lamp", summary: "ranked together, relative to what is left of each layer",
    citation: "Lee et al., ICLR 2021, arXiv:2010.07611",
    allocate: { layers, total in
      let adapted = layers.map { layer in
        var layer = layer
        layer.units.adaptToLayer()
        return layer
      }
      return SparsityScope.global.allocate(adapted, total)
    })
}
