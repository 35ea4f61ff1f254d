import Tensors

/// How important single weights are: the lowest scores are zeroed first.
public struct WeightCriterion: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the criterion comes from.
  public var citation: String
  /// Scores, one for each weight, at least 0; the numbers compare across layers.
  ///
  /// Arguments: the values of a tensor in row-major order, a source of random numbers of its own.
  public var scores: @Sendable ([Float], inout CounterRandom) -> [Float]

  /// Every criterion, by which help and error texts list them.
  public static let all: [WeightCriterion] = [.magnitude, .random]

  /// The criterion of a name.
  public static func named(_ name: String) -> WeightCriterion? { all.first { $0.name == name } }
}
