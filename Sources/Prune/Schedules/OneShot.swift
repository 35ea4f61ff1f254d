extension SparsitySchedule {
  /// The final sparsity from the first step on: prune, then fine-tune.
  public static let oneShot = SparsitySchedule(
    name: "one-shot", summary: "prune at once, then fine-tune", citation: "",
    sparsity: { _, final in final })
}
