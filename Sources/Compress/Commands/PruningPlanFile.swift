import Compression
import Formats
import Prune

/// A plan of pruning of either kind.
enum PruningPlanFile {
  case weights(PruningPlan)
  case channels(ChannelPlan)

  /// Reads a plan.
  ///
  /// - Throws: `FormatError` that says what is wrong with the file.
  init(_ path: String) throws {
    self =
      try PlanFile.unit(of: path) == "channel"
      ? .channels(try PlanFile.decode(ChannelPlan.self, from: path))
      : .weights(try PlanFile.decode(PruningPlan.self, from: path))
  }
}
