import Execution
import Foundation
import GraphIR

/// How images are prepared for a network, and how that is known.
public struct PreprocessingReading: Sendable {
  /// How a preprocessing is known.
  public enum Basis: String, Codable, Sendable {
    /// The user said it.
    case given
    /// The model's metadata says it.
    case model
    /// The first batch normalisation of the network fits it.
    case statistics
    /// The head's family is trained with it.
    case family
    /// Nothing tells.
    case guess
  }

  /// How images are prepared.
  public var preprocessing: Preprocessing
  /// How that is known.
  public var basis: Basis
  /// A warning, where it is a guess.
  public var remark: String?

  /// The metadata key under which a model carries its ``Preprocessing`` apart from a head.
  static let metadataKey = "compress.preprocessing"

  /// Reads a network whose head need not be known.
  ///
  /// - Throws: ``InputError`` when the network takes no image, what sessions throw.
  public init(
    _ graph: Graph, settings: HeadSettings = HeadSettings(), engine: Engine
  ) throws {
    do {
      self = try DetectorReading(graph, settings: settings, engine: engine).preparation
    } catch let error as HeadError {
      let input = try graph.onlyImageInput(engine.inputShapes)
      try self.init(
        graph, input: input, usual: Preprocessing(std: input.takesBytes ? [1] : [255]),
        family: nil, given: settings.preprocessing, engine: engine)
      if let text = remark { remark = "\(text) (\(error))" }
    }
  }

  /// Reads a network.
  ///
  /// What is given counts, then what the model says, then what the first normalisation fits, then
  /// what is usual.
  ///
  /// - Parameters:
  ///   - usual: The preprocessing of the head's family.
  ///   - family: The name of the family; `nil` where none is known.
  ///   - head: The preprocessing of the head in the model's metadata.
  ///   - engine: What runs the first layer; `nil` for no look at normalisations.
  /// - Throws: What sessions throw.
  init(
    _ graph: Graph, input: ImageInput, usual: Preprocessing, family: String?,
    carried head: Preprocessing? = nil, given: HeadSettings.PreprocessingSettings?, engine: Engine?
  ) throws {
    let tellsScale = given?.tellsScale ?? false
    if let carried = head ?? Self.carried(by: graph) {
      (preprocessing, basis) = (carried, .model)
    } else {
      (preprocessing, basis) = (usual, family == nil ? .guess : .family)
      let isOpen = !tellsScale && !input.takesBytes
      if isOpen, let engine,
        let first = try FirstNormalization(graph, input: input, engine: engine),
        let fit = try first.fit(usual, isKnown: family != nil)
      {
        (preprocessing, basis) = (fit.applied(to: usual), .statistics)
        remark = Self.remark(on: preprocessing, fit.name, family)
      }
    }
    given?.apply(to: &preprocessing)
    if tellsScale { basis = .given }
    if basis == .guess {
      remark =
        "images are \(preprocessing.fit == .stretch ? "stretched" : "letterboxed"), and pixels go "
        + "from 0 to \(input.takesBytes ? 255 : 1), which is a guess: "
        + "say which mean, std, order and fit the network was trained with"
    }
  }

  private static func remark(
    on preprocessing: Preprocessing, _ scale: String, _ family: String?
  ) -> String {
    let usual = family.map { ", not those that are usual for the family \($0)" } ?? ""
    return
      "the first batch normalisation fits \(scale)\(usual): images are prepared so, which is a "
      + "guess; say which mean, std, order and fit the network was trained with"
  }

  /// The preprocessing in the metadata of a model that this tool wrote.
  private static func carried(by graph: Graph) -> Preprocessing? {
    guard let text = graph.properties.metadata[metadataKey],
      let found = try? JSONDecoder().decode(Preprocessing.self, from: Data(text.utf8)),
      found.isWhole
    else { return nil }
    return found
  }

  /// Writes the preprocessing into a network's metadata, unless it follows from the head's family
  /// or is a guess.
  ///
  /// - Throws: An encoding error.
  public func note(in graph: inout Graph) throws {
    guard [.given, .model, .statistics].contains(basis) else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    func text(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    guard var head = HeadRecognition.carried(by: graph)?.configuration else {
      graph.properties.metadata[Self.metadataKey] = try text(preprocessing)
      return
    }
    guard head.preprocessing != preprocessing else { return }
    head.preprocessing = preprocessing
    graph.properties.metadata[Detector.metadataKey] = try text(head)
  }
}

extension Preprocessing {
  /// Whether there are as many numbers as channels, and none divides by zero.
  var isWhole: Bool { mean.count == 3 && std.count == 3 && !std.contains(0) }
}
