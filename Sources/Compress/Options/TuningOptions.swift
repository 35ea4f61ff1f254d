import ArgumentParser
import ObjectDetection
import Training

/// What a compressed model is trained on, and against what.
struct TuningOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The images to train on, in the forms of --data.", valueName: "path"))
  var trainData: String?

  @Option(
    help: ArgumentHelp(
      "labels: the loss of the head's family. match: the distance to the outputs of the model as it was, without labels."
    ))
  var loss = DetectorTraining.Loss.labels

  @Option(
    help: ArgumentHelp(
      "How training images are varied: \(Augmentation.presetNames.joined(separator: ", ")). (default: light)"
    ), completion: .list(Augmentation.presetNames))
  var augment: String?

  mutating func validate() throws {
    if let augment, Augmentation.named(augment) == nil {
      throw ValidationError(
        "--augment takes \(Augmentation.presetNames.joined(separator: ", ")), found '\(augment)'.")
    }
  }

  /// The settings of training a compressed model on: gently, by AdamW, unless the options say
  /// otherwise.
  func settings(
    _ training: TrainingOptions, epochs: Int, seed: UInt64, learningRate: Double = 0.001
  ) -> DetectorTraining.Settings {
    var defaults = TrainingConfiguration()
    (defaults.epochs, defaults.learningRate, defaults.optimizer) = (epochs, learningRate, "adamw")
    var settings = DetectorTraining.Settings(
      training: training.configuration(defaults: defaults),
      augmentation: augment.flatMap(Augmentation.named) ?? .light, loss: loss, seed: seed)
    settings.training.epochs = epochs
    return settings
  }
}

extension DetectorTraining.Loss: ExpressibleByArgument {}
