extension ChannelAllocation {
  /// The least important groups of all layers together.
  public static let global = ChannelAllocation(
    name: "global", summary: "the least important channels of the whole network",
    choose: { blocks, strength in
      let order = blocks.blocks.joined().sorted {
        (blocks.scores[$0], $0) < (blocks.scores[$1], $1)
      }
      return Set(order.prefix(Int((strength * Double(order.count)).rounded(.down))))
    })
}
