import ArgumentParser

/// How accurate the compressed model must be.
struct QualityFloor: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Most mAP (COCO AP, 0…1) that may be lost; exit status 3 if more is.", valueName: "ap"))
  var maxDrop: Double?

  @Option(
    help: ArgumentHelp(
      "Least mAP (COCO AP, 0…1) of the written model; exit status 3 if it has less.",
      valueName: "ap"))
  var minMap: Double?

  mutating func validate() throws {
    for (flag, value) in [("--max-drop", maxDrop), ("--min-map", minMap)] {
      if let value, !(0...1).contains(value) {
        throw ValidationError("\(flag) must lie between 0 and 1, found \(value).")
      }
    }
  }

  /// Whether a floor is asked for.
  var isSet: Bool { maxDrop != nil || minMap != nil }

  /// What was missed, a sentence each.
  func misses(before: Double, after: Double) -> [String] {
    var misses: [String] = []
    if let maxDrop, before - after > maxDrop {
      misses.append(
        "mAP fell by \(Format.metric(before - after)), more than --max-drop \(maxDrop)")
    }
    if let minMap, after < minMap {
      misses.append("mAP is \(Format.metric(max(after, 0))), below --min-map \(minMap)")
    }
    return misses
  }
}
