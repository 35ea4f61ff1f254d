extension Observer {
  /// The range with the least error of what the head says, searched from those of ``meanSquare``;
  /// see ``ClipRefinement``.
  public static let detection = Observer(
    name: "detection", summary: "least error of what the head says, value by value",
    needsHistogram: true, refinesByHead: true, choose: meanSquare.choose)
}
