import Architectures
import Distill
import Evidence
import Execution
import Foundation
import GraphIR
import ObjectDetection
import Quantize
import Training

/// The student network: read from a file, or built.
public struct StudentModel {
  /// The network that is trained.
  public let graph: Graph
  /// Where it comes from, for people.
  public let description: String
  /// Its file; `nil` when it was built.
  public let file: ModelArtifact?
  /// Converts the trained network back to the quantised network of the file; `nil` for a float
  /// student.
  private let quantization: TrainableQuantization?

  /// The student of a file; a quantised one is trained by QAT.
  ///
  /// - Parameters:
  ///   - seed: The seed of new random weights; `nil` keeps those of the file.
  ///   - registry: The known operators.
  /// - Throws: `QuantizationError` when a quantised network cannot be trained, or would lose its
  ///   scales by new random weights.
  public init(_ file: ModelArtifact, drawnBy seed: UInt64? = nil, registry: OperatorRegistry) throws
  {
    self.file = file
    if file.graph.isQuantized(registry) {
      let quantization = try file.naming {
        try TrainableQuantization(file.graph, registry: registry)
      }
      guard seed == nil else { throw QuantizationError.drawnAnew(file: file.path) }
      self.quantization = quantization
      graph = quantization.graph
      description = file.path + ", quantised"
    } else {
      quantization = nil
      graph = seed.map { file.graph.reinitialized(seed: $0, registry: registry) } ?? file.graph
      description = file.path + (seed == nil ? "" : ", weights drawn anew")
    }
  }

  /// A student that is built, with the teacher's classes, input and preprocessing.
  ///
  /// - Parameters:
  ///   - width: The factor of the architecture's numbers of channels.
  ///   - depth: The factor of its repetitions of blocks; `nil` for 1.
  /// - Throws: `ArchitectureError` also for a teacher whose images are not square.
  public init(
    _ architecture: Architecture, width: Double, depth: Double? = nil,
    like teacher: DistilledDetector,
    seed: UInt64
  ) throws {
    let size = teacher.imageSize
    guard size.height == size.width else {
      throw ArchitectureError.notSquare(height: size.height, width: size.width)
    }
    var graph = try architecture.build(
      ArchitectureOptions(
        classes: teacher.configuration.classes, width: width, depth: depth ?? 1,
        imageSize: size.height, seed: seed))
    try graph.setPreprocessing(teacher.configuration.preprocessing)
    self.graph = graph
    description =
      "\(architecture.name) × \(width)" + (depth.map { ", depth × \($0)" } ?? "") + ", new"
    (file, quantization) = (nil, nil)
  }

  /// The student in the form that distillation takes.
  ///
  /// Errors name its file, or that it was built.
  ///
  /// - Throws: `HeadError`, what sessions throw.
  public func reading(settings: HeadSettings, engine: Engine) throws -> Distillation.Student {
    try ModelError.naming(file?.path ?? "the student (\(description))") {
      Distillation.Student(
        try DistilledDetector(graph, head: settings, engine: engine), description: description,
        sparseWeights: quantization?.sparseWeights)
    }
  }

  /// The network to write for a trained one.
  ///
  /// - Throws: `QuantizationError`.
  public func delivered(_ trained: Graph) throws -> Graph {
    try quantization.map { try $0.quantized(trained) } ?? trained
  }

  /// A network of this kind in the form of its file.
  public func stored(_ graph: Graph) -> Graph { file?.storable(graph) ?? graph }
}

extension Graph {
  /// Sets the preprocessing in the network's metadata.
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
