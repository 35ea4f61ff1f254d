extension ChannelAllocation {
  /// The same fraction of every block.
  public static let uniform = ChannelAllocation(
    name: "uniform", summary: "the same fraction of every layer",
    choose: { blocks, strength in
      Set(
        blocks.blocks.flatMap { block in
          block.prefix(Int((strength * Double(block.count)).rounded(.down)))
        })
    })
}
