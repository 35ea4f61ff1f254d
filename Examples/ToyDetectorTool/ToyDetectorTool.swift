import ArgumentParser
import Formats
import Foundation
import ToyDetector

/// `toy-detector`: a labelled data set of rendered scenes and a detector fitted to it.
@main
struct ToyDetectorTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "toy-detector",
    abstract: "Render labelled scenes and fit a small detector to them.",
    discussion: """
      Writes FOLDER/data.yaml with images and labels, and FOLDER/toy.onnx. The detector is fitted in closed form in \
      seconds; it shows the pipeline and is no match for a trained network.

      EXAMPLE
        toy-detector out/toy --training 400 --validation 100
      """)

  @Argument(help: "The folder to write into.", completion: .directory)
  var folder: String

  @Option(help: "Scenes to fit the detector to.")
  var training = 300

  @Option(help: "Scenes held out to measure it on.")
  var validation = 100

  @Option(help: "Seed of the scenes and of the detector's random filters.")
  var seed: UInt64 = 1

  @Option(help: "Threads to compute with (default: all cores).")
  var threads: Int?

  func validate() throws {
    guard (1...100_000).contains(training), (1...100_000).contains(validation) else {
      throw ValidationError("--training and --validation must lie between 1 and 100000.")
    }
    guard (1...256).contains(threads ?? 1) else {
      throw ValidationError("--threads must lie between 1 and 256.")
    }
  }

  func run() throws {
    let scenes = Scene.split(seed: seed, training: training, validation: validation)
    let folder = URL(filePath: folder)
    try SceneDataset.write(
      training: scenes.training, validation: scenes.validation, to: folder)
    let detector = ClosedFormDetector(
      seed: seed, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let model = folder.appending(path: "toy.onnx")
    try ModelFile.save(try detector.fit(scenes.training), to: model)
    print("\(model.path): fitted to \(training) scenes; \(validation) are held out")
  }
}
