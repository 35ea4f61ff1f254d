import Compression
import GraphIR
import ObjectDetection
import Training

extension Quantization {
  /// Trains a quantised network on by QAT, scales included, and puts it in the outcome's place.
  ///
  /// Weights that are zero stay zero; see `TrainableQuantization` for what is learnt. What was
  /// learnt is not in the plan: the trained network becomes what the written file must compute.
  ///
  /// - Parameters:
  ///   - source: The float network, whose outputs are matched without labels.
  ///   - images: The images to train on.
  /// - Throws: ``QuantizationError``, what training throws.
  public func train(
    _ outcome: inout Outcome, towards source: Graph, on images: Dataset?,
    settings: DetectorTraining.Settings
  ) throws -> Trainer {
    let trainable = try TrainableQuantization(outcome.graph, registry: engine.registry)
    let sparse = TrainableParameter.all(
      in: trainable.graph, registry: engine.registry
    ).filter {
      trainable.sparseWeights.contains($0.name)
    }
    let trainer = try DetectorTraining.tune(
      trainable.graph, towards: source, on: images, settings: settings,
      hooks: [
        KeptZeros(parameters: sparse),
        MovementUnits(
          trainable.movementUnits, for: trainable.graph, registry: engine.registry),
      ], head: head, engine: engine)
    outcome.graph = try trainable.quantized(trainer.current)
    outcome.claims[outcome.claims.count - 1] = .init(
      what: "storing what was learnt", expected: trainer.current, float: source)
    return trainer
  }

  /// Trains a quantised network without labels until it answers like the float one, and puts it in
  /// the outcome's place; see `Recovery`.
  ///
  /// What is learnt, and what of it the plan holds, is as in training by QAT.
  ///
  /// - Parameters:
  ///   - source: The float network.
  ///   - images: The images, labelled or not.
  /// - Throws: ``QuantizationError``, `TrainingError`, what sessions throw.
  public func recover(
    _ outcome: inout Outcome, towards source: Graph, on images: Dataset,
    configuration: Recovery.Configuration
  ) throws -> RecoveryLog {
    let trainable = try TrainableQuantization(outcome.graph, registry: engine.registry)
    let recovered = try Recovery(configuration, head: head, engine: engine).run(
      on: trainable.graph, towards: source, images: images, units: trainable.movementUnits,
      sparse: trainable.sparseWeights)
    outcome.graph = try trainable.quantized(recovered.graph)
    outcome.claims[outcome.claims.count - 1] = .init(
      what: "storing what was learnt", expected: recovered.graph, float: source)
    return recovered.log
  }
}
