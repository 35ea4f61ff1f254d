import ObjectDetection
import Tensors

/// The images that verbs use when none are given: synthetic scenes, rendered as they are needed.
public enum EmbeddedData {
  /// The seed of all embedded scenes.
  public static let seed: UInt64 = 1
  /// Rows and columns of a scene.
  public static let size = 160
  /// The number of the first scene that verbs score on.
  public static let validationStart = 1_000_000
  /// The number of scenes that verbs score on.
  public static let validationCount = 300
  /// The number of scenes that verbs fine-tune on.
  public static let trainingCount = 1200

  /// Scenes to train on.
  public static func training(_ count: Int = trainingCount, pool: ThreadPool) -> Dataset {
    .synthetic(count: count, seed: seed, size: size, pool: pool)
  }

  /// Scenes to score on; none of them is among those to train on.
  public static func validation(pool: ThreadPool) -> Dataset {
    .synthetic(
      count: validationCount, seed: seed, first: validationStart, size: size, pool: pool)
  }
}
