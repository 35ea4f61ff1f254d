import Execution
import Reports

/// Times models and measures their memory.
public protocol ModelTimer {
  /// Latency and peak memory of a model; `nil` where it cannot be timed, of which the engine's
  /// observer is notified.
  func time(_ model: ModelArtifact, engine: Engine) throws -> ModelEvidence.Measured?
}
