import Compression
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection

/// A model file in memory, with its path and digest.
public struct ModelArtifact {
  /// The path as the user gave it.
  public var path: String
  /// The file.
  public var url: URL
  /// The graph in the file.
  public let stored: Graph
  /// The graph that methods run and alter: the same network computed in float32, with constants for
  /// the inputs that take no image.
  public let graph: Graph
  /// The inputs that get the same value in every run.
  public let bound: BoundInputs
  /// The given values of inputs; `nil` where all inputs stay open.
  public let inputs: InputValues?
  /// Whether it is the embedded detector.
  public private(set) var isEmbedded = false
  /// The bytes of the file, external data included.
  public var fileBytes: Int { parts.reduce(0) { $0 + $1.count } }
  /// The bytes of the file after compression by gzip, external data included.
  public var gzipBytes: Int { parts.reduce(0) { $0 + Digest.deflatedSize($1) } }
  /// The SHA-256 digest of the file, external data appended, in hexadecimal.
  public var sha256: String {
    parts.count == 1 ? Digest.sha256Text(data) : Digest.sha256Text(parts.reduce(Data(), +))
  }
  /// The bytes of the file.
  public let data: Data
  /// The bytes of the files that hold external data, by location.
  public let external: [Data]
  private var parts: [Data] { [data] + external }

  /// Reads a model file; the embedded detector when there is no path.
  ///
  /// - Parameters:
  ///   - inputs: The values of inputs besides the image; `nil` leaves all of them open.
  ///   - isOneOfMany: Whether values may be for inputs of another model.
  /// - Throws: What reading throws, `InputError` for values that do not fit an input.
  public init(_ path: String?, inputs: InputValues? = nil, isOneOfMany: Bool = false) throws {
    self.inputs = inputs
    guard let path else {
      self.path = EmbeddedDetector.name
      url = URL(filePath: EmbeddedDetector.name)
      data = EmbeddedDetector.data
      stored = try ONNXFormat.parse(data, file: EmbeddedDetector.name, folder: url)
      if !isOneOfMany { try inputs?.check([stored]) }
      (graph, bound) = try Self.prepared(stored, inputs)
      external = []
      isEmbedded = true
      return
    }
    self.path = path
    url = URL(filePath: path)
    data = try InputFile.data(url, isMapped: true)
    stored = try ModelFile.parse(data, from: url)
    if !isOneOfMany { try inputs?.check([stored]) }
    (graph, bound) = try Self.prepared(stored, inputs)
    let folder = url.deletingLastPathComponent()
    let isSplit = stored.initializers.values.contains { $0.encoding == .external }
    let locations = isSplit ? try ONNXFormat.externalLocations(in: data, file: path) : []
    external = try locations.map {
      try InputFile.data(folder.appending(path: $0), isMapped: true)
    }
  }

  /// Reads several model files; the embedded detector when there is none.
  ///
  /// - Throws: `InputError` when a value is for an input that none of them has, what reading
  ///   throws.
  public static func all(_ paths: [String], inputs: InputValues) throws -> [ModelArtifact] {
    let models =
      try paths.isEmpty
      ? [ModelArtifact(nil, inputs: inputs, isOneOfMany: true)]
      : paths.map { try ModelArtifact($0, inputs: inputs, isOneOfMany: true) }
    try inputs.check(models.map(\.stored))
    return models
  }

  private static func prepared(
    _ stored: Graph, _ inputs: InputValues?
  ) throws -> (graph: Graph, bound: BoundInputs) {
    let sized = try inputs?.imageSize.map { try stored.resized(to: $0) } ?? stored
    let bound = try inputs.map { try BoundInputs(sized, $0) } ?? BoundInputs()
    return (bound.applied(to: sized.widened()), bound)
  }

  /// An altered network in the form for a file: with the inputs of this model, and 16-bit floats
  /// where it has them.
  ///
  /// - Parameter keepsHalves: Whether numbers become float16 or bfloat16 again; otherwise they stay
  ///   float32.
  public func storable(_ altered: Graph, keepsHalves: Bool = true) -> Graph {
    var open = bound.removed(from: altered, like: stored.widened())
    if inputs?.imageSize != nil, stored.takesAnySize {
      let original = stored.widened()
      for place in open.inputs.indices {
        if let own = original.inputs.first(where: { $0.name == open.inputs[place].name }) {
          open.inputs[place] = own
        }
      }
      for place in open.outputs.indices {
        if let own = original.outputs.first(where: { $0.name == open.outputs[place].name }) {
          open.outputs[place] = own
        }
      }
    }
    return keepsHalves ? open.narrowed(like: stored) : open
  }

  /// The value of an input when the network runs, as text; `nil` where none is given.
  public func use(of input: ValueInfo, shapes: [String: [Int]]) -> String? {
    if let constant = bound.constants.first(where: { $0.name == input.name }) {
      return constant.use
    }
    guard let image = graph.imageInput(InputValues(shapes: shapes)), image.name == input.name else {
      return nil
    }
    return "images, \(image)"
  }

  /// Does work on the model.
  ///
  /// Errors that name no file get the name of this one.
  ///
  /// - Parameter plan: The plan that is replayed on it; `nil` without.
  public func naming<Result>(plan: String? = nil, _ work: () throws -> Result) throws -> Result {
    try ModelError.naming(path, plan: plan, work)
  }

  /// Checks that no weight is NaN or infinite; see `Graph.checkWeightsAreFinite`.
  ///
  /// - Throws: ``ModelError`` naming the file, the weight and the element.
  public func checkWeights(
    excluding excluded: [NamePattern] = [], engine: Engine = Engine()
  ) throws {
    do {
      try graph.checkWeightsAreFinite(registry: engine.registry, excluding: excluded)
    } catch let error as NotFinite {
      throw ModelError(file: path, underlying: error)
    }
  }

  /// The file's name.
  public var name: String { url.lastPathComponent }

  /// The file's format, by its suffix.
  var format: ModelFormat { .written(to: url) }

  /// File names, with as many folders before them as are needed to distinguish them.
  public static func distinctNames(_ paths: [String]) -> [String] {
    let parts = paths.map { URL(filePath: $0).standardizedFileURL.pathComponents }
    var names = parts.map { $0.last ?? "" }
    for depth in 2...max(2, parts.map(\.count).max() ?? 2) where Set(names).count < names.count {
      let counts = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
      for index in names.indices where (counts[names[index]] ?? 0) > 1 {
        names[index] = parts[index].suffix(depth).filter { $0 != "/" }.joined(separator: "/")
      }
    }
    var seen: [String: Int] = [:]
    return names.map { name in
      seen[name, default: 0] += 1
      let count = seen[name] ?? 1
      return count == 1 ? name : "\(name) #\(count)"
    }
  }
}
