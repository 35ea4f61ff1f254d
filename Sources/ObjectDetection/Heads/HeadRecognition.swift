import Foundation
import GraphIR

/// A family that fits a network, and why.
public struct HeadRecognition: Sendable {
  /// The settings of the family for this network.
  public var configuration: HeadConfiguration
  /// The observations that support it.
  public var reasons: [String]
  /// Whether the outputs' shapes tell the number of classes.
  var countsClasses: Bool
  /// Whether it stands in the model's metadata.
  var isCarried = false

  /// A reading of a network's outputs.
  public init(configuration: HeadConfiguration, reasons: [String], countsClasses: Bool = true) {
    (self.configuration, self.reasons) = (configuration, reasons)
    self.countsClasses = countsClasses
  }

  /// A head that a file describes; its classes are those of the metadata, else COCO's.
  init(of layout: HeadLayout, _ evidence: HeadEvidence) {
    self.init(
      configuration: HeadConfiguration(
        family: "described", classes: evidence.metadataNames ?? COCOClasses.names,
        layout: layout),
      reasons: ["its layout was given"], countsClasses: false)
  }

  /// The family that fits, or the settings for the one named.
  ///
  /// When several families fit, the one whose number of classes is that of the names in the model's
  /// metadata is taken, else the one with COCO's 80 classes.
  ///
  /// - Throws: ``HeadError/unrecognized(outputs:skeleton:)``,
  ///   ``HeadError/ambiguous(families:outputs:)``, ``HeadError/unknownFamily(_:)``.
  public static func of(
    _ evidence: HeadEvidence, family: String? = nil
  ) throws -> HeadRecognition {
    let shown = evidence.outputs.map { "'\($0.name)' \($0.shape)" }
    if let name = family {
      guard let family = HeadFamily.named(name) else { throw HeadError.unknownFamily(name) }
      if var recognition = family.recognize(evidence) {
        recognition.reasons.insert("the family \(name) was asked for", at: 0)
        return recognition
      }
      return HeadRecognition(
        configuration: HeadConfiguration(family: name, classes: COCOClasses.names),
        reasons: [
          "the family \(name) was asked for, though the outputs do not look like it; strides, classes "
            + "and preprocessing are defaults unless given"
        ])
    }
    let fits = HeadFamily.all.compactMap { $0.recognize(evidence) }
    if fits.count == 1 { return fits[0] }
    guard !fits.isEmpty else {
      throw HeadError.unrecognized(outputs: shown, skeleton: evidence.skeleton)
    }
    for (count, source) in [
      (evidence.metadataNames?.count, "the metadata names"), (COCOClasses.names.count, "COCO has"),
    ] {
      var agreeing = fits.filter { $0.configuration.classes.count == count }
      guard agreeing.count == 1, fits.allSatisfy(\.countsClasses), let count else { continue }
      let others = fits.filter { $0.configuration.classes.count != count }.map {
        "\($0.configuration.family) would mean \($0.configuration.classes.count)"
      }
      agreeing[0].reasons.append(
        "\(source) \(count) classes, as this reading of the outputs gives; "
          + others.joined(separator: ", "))
      return agreeing[0]
    }
    throw HeadError.ambiguous(families: fits.map(\.configuration.family), outputs: shown)
  }

  /// The configuration in the metadata of a model that this tool wrote.
  static func carried(by graph: Graph) -> HeadRecognition? {
    guard let text = graph.properties.metadata[Detector.metadataKey],
      let configuration = try? JSONDecoder().decode(
        HeadConfiguration.self, from: Data(text.utf8)), configuration.isWhole
    else { return nil }
    var recognition = HeadRecognition(
      configuration: configuration, reasons: ["the model's metadata says so"])
    recognition.isCarried = true
    return recognition
  }
}

/// What recognition uses: the shapes of input and outputs, and the nodes before the outputs.
public struct HeadEvidence: Sendable {
  /// The outputs and their concrete shapes, in the network's order.
  public var outputs: [(name: String, shape: [Int])]
  /// Rows of the input.
  public var height: Int
  /// Columns of the input.
  public var width: Int
  /// The network.
  public var graph: Graph

  /// The evidence of a network at a given input size.
  public init(outputs: [(name: String, shape: [Int])], height: Int, width: Int, graph: Graph) {
    self.outputs = outputs
    self.height = height
    self.width = width
    self.graph = graph
  }

  /// Sets of strides that detectors use, the common ones first.
  private static let strideSets = [
    [8, 16, 32], [16, 32], [8, 16, 32, 64], [4, 8, 16, 32], [8, 16, 32, 64, 128], [16], [32], [8],
  ]

  /// Cells of a map of the given stride.
  func cells(_ stride: Int) -> Int {
    ((height + stride - 1) / stride) * ((width + stride - 1) / stride)
  }

  /// The strides whose maps together have `count / anchors` cells.
  func strides(cells count: Int, anchors: Int = 1) -> [Int]? {
    Self.strideSets.first { set in set.reduce(0) { $0 + cells($1) } * anchors == count }
  }

  /// The stride of a map of the given extents, if it is one that detectors use.
  func stride(rows: Int, columns: Int) -> Int? {
    [4, 8, 16, 32, 64, 128].first {
      (height + $0 - 1) / $0 == rows && (width + $0 - 1) / $0 == columns
    }
  }

  /// The operators on the way to an output, at most `depth` nodes back.
  func operators(before output: String, depth: Int) -> Set<String> {
    let links = Connectivity(graph)
    var found: Set<String> = []
    var visited: Set<Int> = []
    var front = [output]
    for _ in 0..<depth {
      let nodes = Set(front.compactMap { links.producer[$0] }).subtracting(visited)
      visited.formUnion(nodes)
      found.formUnion(nodes.map { graph.nodes[$0].opType })
      front = nodes.flatMap { graph.nodes[$0].inputs }
    }
    return found
  }

  /// Whether an output is the result of a selection of the best boxes.
  func isSelected(_ output: String) -> Bool {
    !operators(before: output, depth: 24).isDisjoint(with: ["TopK", "NonMaxSuppression"])
  }

  /// The class names in the model's metadata, in the form Ultralytics writes them:
  /// `{0: 'a', 1: "b"}`.
  var metadataNames: [String]? {
    guard let text = graph.properties.metadata["names"] else { return nil }
    let names = text.matches(of: /\d+\s*:\s*(?:'([^']*)'|"([^"]*)")/).map {
      String($0.1 ?? $0.2 ?? "")
    }
    return names.isEmpty ? nil : names
  }

  /// Class names from the model's metadata, else COCO's for 80 classes, else generated names.
  func classNames(_ count: Int) -> [String] {
    if let names = metadataNames, names.count == count { return names }
    return count == COCOClasses.names.count
      ? COCOClasses.names : (0..<count).map { "class\($0)" }
  }
}
