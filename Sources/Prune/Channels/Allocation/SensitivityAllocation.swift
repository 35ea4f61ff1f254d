extension ChannelAllocation {
  /// Removes from every block as much as does the same damage.
  ///
  /// A strength *s* stands for a level of damage between none and the largest measured one. Each
  /// block loses the largest fraction whose damage is at most that level. Fractions between
  /// measured ones are interpolated.
  ///
  /// - Parameter curves: The damage of each producer alone at rising fractions of its channels, see
  ///   ``ChannelSensitivity``; the damage of a block is the largest of its producers'.
  public static func sensitivity(_ curves: [Int: ChannelSensitivity.Curve]) -> ChannelAllocation {
    ChannelAllocation(
      name: "sensitivity", summary: "as much of each layer as does the same measured damage",
      choose: { blocks, strength in
        let largest = curves.values.flatMap(\.damages).max() ?? 0
        // Damages span orders of magnitude, so equal steps of strength are equal factors of damage.
        let smallest = largest * 1e-4
        let level = strength <= 0 ? 0 : smallest * (largest / max(smallest, 1e-300)).power(strength)
        return Set(
          zip(blocks.blocks, blocks.producers).flatMap { block, producers in
            let fraction =
              producers.compactMap { curves[$0]?.fraction(atDamage: level) }.min() ?? strength
            return block.prefix(Int((fraction * Double(block.count)).rounded(.down)))
          })
      })
  }
}
