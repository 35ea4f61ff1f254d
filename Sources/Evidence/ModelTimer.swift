import Execution
import Reports

/// Times models and measures their memory.
public protocol ModelTimer {
  /// Latency and peak memory of a model; `nil` where it cannot be timed, which is told to the
  /// engine's observer.
  func time(_ model: ModelArtifact, engine: Engine) throws -> ModelEvidence.Measured?
}
