import Execution
import GraphIR
import ObjectDetection
import Tensors

/// Where the raw maps of a detector's head are in its graph, and what their channels mean.
///
/// In a model that ends at raw maps they are the outputs. In one that decodes its boxes they are
/// the outputs of the last convolutions before the graph's outputs, distinguished by extents and
/// channels. Anchors, priors and formulas that stand only in the decoding are read off what the
/// decoding does to known logits.
public struct RawHead: Sendable {
  /// A raw map with its shape for one image.
  typealias Map = (name: String, shape: [Int])

  /// The values a loss reads.
  public var taps: [String]
  /// The scales, the finest first.
  public var levels: [HeadLevel]
  /// The settings of the head, with the anchors, strides and variances that its decoding has.
  public var configuration: HeadConfiguration
  /// Bins of each distance, minus one.
  public var regMax: Int
  /// How the logits of an anchor become a box.
  public var coding = AnchorCoding.squares
  /// The priors of an SSD head, which has no scales of its own.
  public var priors: [Box] = []

  /// A head whose maps are known.
  public init(
    taps: [String], levels: [HeadLevel], configuration: HeadConfiguration, regMax: Int
  ) {
    (self.taps, self.levels) = (taps, levels)
    (self.configuration, self.regMax) = (configuration, regMax)
  }

  /// The head of a detector.
  ///
  /// - Parameters:
  ///   - height: Rows of the input.
  ///   - width: Columns of the input.
  ///   - registry: The known operators.
  ///   - inputShapes: Concrete shapes of inputs whose declared shape is not fixed.
  /// - Throws: ``RawHeadError`` when the maps are not found, have no loss, or are decoded in a way
  ///   that the loss does not know.
  public static func find(
    in graph: Graph, configuration: HeadConfiguration, height: Int, width: Int,
    registry: OperatorRegistry, inputShapes: [String: [Int]] = [:]
  ) throws -> RawHead {
    guard let training = HeadFamily.named(configuration.family)?.training else {
      throw RawHeadError.noLoss(family: configuration.family)
    }
    let site = HeadSite(
      graph: graph, configuration: configuration, height: height, width: width,
      registry: registry, inputShapes: inputShapes)
    switch training.layout {
    case .priors:
      return try configuration.isDecoded
        ? RawHead(decodedPriors: site) : RawHead(priors: site)
    case .anchors:
      return try configuration.isDecoded
        ? RawHead(decodedAnchors: site) : RawHead(anchored: site)
    case .objectness: return try RawHead(objectness: try site.lastMaps(), site)
    case .distributions(let scoresFirst):
      let maps =
        configuration.isDecoded || !training.endsAtMaps
        ? try site.lastMaps() : try site.maps(graph.outputs.map(\.name))
      return try RawHead(distributions: maps, scoresFirst: scoresFirst, site)
    }
  }

  /// The head of a detector whose maps are compared with those of another such network, not with
  /// labels.
  ///
  /// How boxes are decoded does not matter for that. Heads whose classes share a softmax are left
  /// out, as their logits mean nothing one by one, unless their logits are outputs.
  ///
  /// - Throws: As ``find(in:configuration:height:width:registry:inputShapes:)``.
  public static func comparable(
    in graph: Graph, configuration: HeadConfiguration, height: Int, width: Int,
    registry: OperatorRegistry
  ) throws -> RawHead {
    let training = HeadFamily.named(configuration.family)?.training
    guard training?.classes != .softmax || training?.layout == .priors && !configuration.isDecoded
    else {
      throw RawHeadError.noLoss(family: configuration.family)
    }
    guard training?.layout == .anchors, configuration.isDecoded else {
      return try find(
        in: graph, configuration: configuration, height: height, width: width, registry: registry)
    }
    let site = HeadSite(
      graph: graph, configuration: configuration, height: height, width: width,
      registry: registry)
    return try RawHead(mapsOfAnchors: try site.lastMaps(), site)
  }

  /// The head whose raw maps two networks have in common; `nil` when none is recognised.
  ///
  /// Decoded outputs hold boxes in pixels beside scores. The scores would hardly count where
  /// outputs are compared.
  static func shared(
    by graph: Graph, and other: Graph, configuration: HeadConfiguration,
    imageSize: (height: Int, width: Int), engine: Engine
  ) -> RawHead? {
    let found = try? comparable(
      in: graph, configuration: configuration, height: imageSize.height, width: imageSize.width,
      registry: engine.registry)
    let made = Set(other.nodes.flatMap(\.outputs))
    return found.flatMap { made.isSuperset(of: $0.taps) ? $0 : nil }
  }

  /// The loss that the head's family names.
  ///
  /// - Throws: ``RawHeadError/noLoss(family:)`` where it names none.
  public func loss() throws -> any DetectionLoss {
    let training = HeadFamily.named(configuration.family)?.training
    guard let loss = training.flatMap({ LossFamily.named($0.loss) }) else {
      throw RawHeadError.noLoss(family: configuration.family)
    }
    return loss.make(self)
  }
}

/// The network that a head is looked for in.
struct HeadSite {
  var graph: Graph
  var configuration: HeadConfiguration
  /// Rows of the input.
  var height: Int
  /// Columns of the input.
  var width: Int
  var registry: OperatorRegistry
  var inputShapes: [String: [Int]] = [:]

  /// Values with their shapes for one image.
  func maps(_ names: [String]) throws -> [RawHead.Map] {
    let session = try Session(
      graph, registry: registry, options: SessionOptions(inputShapes: inputShapes, taps: names))
    return names.map { (name: $0, shape: session.outputView($0)?.shape ?? []) }
  }

  /// The outputs of the last convolutions, behind what scales and shifts their channels.
  func lastMaps() throws -> [RawHead.Map] {
    let links = Connectivity(graph)
    return try maps(
      graph.lastConvolutions(registry).map { graph.affineEnd(of: $0, links) })
  }

  /// The indices of the maps of each stride, the finest first.
  func byStride(_ maps: [RawHead.Map]) throws -> [(stride: Int, members: [Int])] {
    var byStride: [Int: [Int]] = [:]
    for (index, map) in maps.enumerated() {
      guard map.shape.count == 4, map.shape[2] > 0, height % map.shape[2] == 0,
        width / map.shape[3] == height / map.shape[2]
      else { throw refusal(maps, "maps of whole strides") }
      byStride[height / map.shape[2], default: []].append(index)
    }
    return byStride.sorted { $0.key < $1.key }.map { (stride: $0.key, members: $0.value) }
  }

  func refusal(_ maps: [RawHead.Map], _ expected: String) -> RawHeadError {
    .shapes(
      family: configuration.family, expected: expected + " at each stride",
      found: maps.map { "'\($0.name)' \($0.shape)" })
  }
}
