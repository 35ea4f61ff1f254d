import Architectures
import Distill
import Foundation
import GraphIR
import ObjectDetection
import Quantize
import Training

/// The network that learns: read from a file, or built.
struct StudentModel {
  var graph: Graph
  /// Where it comes from, for people.
  var description: String
  /// Its file; `nil` when it was built.
  var file: LoadedModel?
  /// The way back from what is trained to the quantised network of the file; `nil` for a float student.
  private var quantization: TrainableQuantization?

  /// What the embedded detector's channels are, as a width of its architecture.
  private static let embeddedWidth = 0.5

  /// The student of the options.
  ///
  /// A built one has the teacher's classes, input and preprocessing.
  ///
  /// A quantised one learns while it rounds.
  ///
  /// - Throws: `QuantizationError` when its roundings cannot be trained, ``CommandError`` for a detector that cannot be built.
  init(
    _ options: DistillOptions, teacher: DetectorReading, isEmbedded: Bool, inputs: InputValues?
  ) throws {
    if let path = options.student {
      let file = try LoadedModel(path, inputs: inputs, isOneOfMany: true)
      self.file = file
      if TrainableQuantization.suits(file.graph) || Self.hasIntegers(file.graph) {
        let quantization = try file.naming { try TrainableQuantization(file.graph) }
        self.quantization = quantization
        graph = quantization.graph
        description = path + ", quantised"
        guard options.fromScratch else { return }
        throw CommandError(
          .usage, "--from-scratch would draw new weights for the scales of \(path)")
      }
      graph = options.fromScratch ? file.graph.reinitialized(seed: options.seed) : file.graph
      description = path + (options.fromScratch ? ", weights drawn anew" : "")
      return
    }
    let name = options.arch ?? "yolov8n"
    guard let architecture = Architecture.named(name) else {
      throw CommandError(.usage, "--arch \(name) is not known")
    }
    let isHalved = isEmbedded && options.arch == nil
    let width = (options.width ?? 0.5) * (isHalved ? Self.embeddedWidth : 1)
    guard teacher.imageSize.height == teacher.imageSize.width else {
      throw CommandError(
        .badData,
        "a student for images of \(teacher.imageSize.width) × \(teacher.imageSize.height) cannot be "
          + "built, as they are not square; give a --student file")
    }
    var graph = try architecture.build(
      ArchitectureOptions(
        classes: teacher.configuration.classes, width: width, depth: options.depth ?? 1,
        imageSize: teacher.imageSize.height, seed: options.seed))
    try graph.setPreprocessing(teacher.configuration.preprocessing)
    self.graph = graph
    description = "\(name) × \(width)" + (options.depth.map { ", depth × \($0)" } ?? "") + ", new"
  }

  /// Does work on the student; errors name its file, or that it was built.
  func naming<Result>(_ work: () throws -> Result) throws -> Result {
    try ModelError.naming(file?.path ?? "the student (\(description))", work)
  }

  private static func hasIntegers(_ graph: Graph) -> Bool {
    let kinds: Set = ["QuantizeLinear", "DequantizeLinear", "QLinearConv", "DynamicQuantizeLinear"]
    return graph.nodes.contains { kinds.contains($0.opType) }
  }

  /// What keeps the zeros of a sparse student; a quantised one has zeros by rounding, which may change.
  func keepsZeros(of trained: Graph) -> KeptZeros {
    let all = TrainableParameter.all(in: trained)
    guard let quantization else { return KeptZeros(parameters: all) }
    return KeptZeros(parameters: all.filter { quantization.sparseWeights.contains($0.name) })
  }

  /// The network to write for a trained one.
  func delivered(_ trained: Graph) throws -> Graph {
    try quantization.map { try $0.quantized(trained) } ?? trained
  }

  /// A network of this kind as its file holds it.
  func stored(_ graph: Graph) -> Graph { file?.storable(graph) ?? graph }
}

extension Graph {
  /// Changes how images become the network's input, as its metadata say it.
  fileprivate mutating func setPreprocessing(_ preprocessing: Preprocessing) throws {
    guard let text = properties.metadata[Detector.metadataKey],
      var configuration = try? JSONDecoder().decode(
        HeadConfiguration.self, from: Data(text.utf8))
    else { return }
    configuration.preprocessing = preprocessing
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    properties.metadata[Detector.metadataKey] = String(
      decoding: try encoder.encode(configuration), as: UTF8.self)
  }
}
