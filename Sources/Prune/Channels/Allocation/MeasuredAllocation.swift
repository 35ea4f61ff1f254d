extension ChannelAllocation {
  /// As many groups of each block as are among the first to go by measured damage.
  ///
  /// - Parameter order: All groups that may go, those first that do least damage for what they
  ///   save; see ``ChannelElimination``.
  static func measured(_ order: [Int]) -> ChannelAllocation {
    ChannelAllocation(
      name: Kind.measured.rawValue,
      summary: "what does the least measured damage for what it saves",
      choose: { blocks, strength in
        let going = Set(order.prefix(Int((strength * Double(order.count)).rounded(.down))))
        return Set(
          blocks.blocks.flatMap { block in block.prefix(block.count(where: going.contains)) })
      })
  }
}
