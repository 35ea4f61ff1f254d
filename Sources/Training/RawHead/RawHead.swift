import Execution
import GraphIR
import ObjectDetection
import Tensors

/// Where the raw maps of a detector's head are in its graph, and what their channels mean.
///
/// In a model that ends at raw maps they are the outputs. In one that decodes its boxes they are
/// the outputs of the last convolutions before the graph's outputs, distinguished by extents and
/// channels.
public struct RawHead: Sendable {
  /// The values a loss reads.
  public var taps: [String]
  /// The scales, the finest first.
  public var levels: [HeadLevel]
  /// The settings of the head.
  public var configuration: HeadConfiguration
  /// Bins of each distance, minus one.
  public var regMax: Int
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
  /// - Throws: ``RawHeadError`` when the maps are not found or have no loss.
  public static func find(
    in graph: Graph, configuration: HeadConfiguration, height: Int, width: Int,
    registry: OperatorRegistry, inputShapes: [String: [Int]] = [:]
  ) throws -> RawHead {
    guard let training = HeadFamily.named(configuration.family)?.training,
      training.trainsDecoded || !configuration.isDecoded
    else { throw RawHeadError.noLoss(family: configuration.family) }
    if training.layout == .priors {
      return try RawHead(
        priors: configuration.priors(height: height, width: width), in: graph, configuration)
    }
    let names =
      configuration.isDecoded || !training.endsAtMaps
      ? graph.lastConvolutions(registry) : graph.outputs.map(\.name)
    let session = try Session(
      graph, registry: registry, options: SessionOptions(inputShapes: inputShapes, taps: names))
    let maps = names.map { (name: $0, shape: session.outputView($0)?.shape ?? []) }
    switch training.layout {
    case .anchors, .priors: return try RawHead(anchored: maps, configuration: configuration)
    case .objectness:
      return try RawHead(
        objectness: maps, configuration: configuration, height: height, width: width)
    case .distributions(let scoresFirst):
      return try RawHead(
        distributions: maps, scoresFirst: scoresFirst, configuration: configuration,
        height: height, width: width)
    }
  }

  /// The head of a detector whose maps are compared with those of another such network, not with
  /// labels.
  ///
  /// Anchor-based heads that decode their boxes have no loss, because the file does not state their
  /// anchors. But their maps can be found.
  ///
  /// - Throws: As ``find(in:configuration:height:width:registry:inputShapes:)``.
  public static func comparable(
    in graph: Graph, configuration: HeadConfiguration, height: Int, width: Int,
    registry: OperatorRegistry
  ) throws -> RawHead {
    let layout = HeadFamily.named(configuration.family)?.training?.layout
    guard layout == .anchors, configuration.isDecoded else {
      return try find(
        in: graph, configuration: configuration, height: height, width: width, registry: registry)
    }
    let names = graph.lastConvolutions(registry)
    let session = try Session(graph, registry: registry, options: SessionOptions(taps: names))
    let maps = names.map { (name: $0, shape: session.outputView($0)?.shape ?? []) }
    let fields = configuration.classes.count + 5
    let levels = try byStride(maps, configuration, height, width).map { stride, members in
      let map = members[0]
      guard members.count == 1, maps[map].shape[1] % fields == 0 else {
        throw refusal(maps, configuration, "one map of \(fields) channels an anchor")
      }
      return HeadLevel(
        stride: stride, rows: maps[map].shape[2], columns: maps[map].shape[3],
        box: .init(map: map), classes: .init(map: map, first: 5),
        objectness: .init(map: map, first: 4))
    }
    guard !levels.isEmpty else { throw refusal(maps, configuration, "a map") }
    return RawHead(taps: names, levels: levels, configuration: configuration, regMax: 0)
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

  /// An SSD head: the input of the softmax that makes the scores, and the offsets.
  private init(
    priors: [Box], in graph: Graph, _ configuration: HeadConfiguration
  ) throws {
    let links = Connectivity(graph)
    let names = graph.outputs.map(\.name)
    let logits = names.compactMap { name in
      links.producer[name].map { graph.nodes[$0] }.flatMap {
        $0.qualifiedType == "Softmax" ? $0.inputs[0] : nil
      }
    }
    let others = names.filter { name in
      links.producer[name].map { graph.nodes[$0].qualifiedType != "Softmax" } ?? false
    }
    guard logits.count == 1, others.count == 1, !priors.isEmpty else {
      throw RawHeadError.shapes(
        family: configuration.family, expected: "scores by a softmax, offsets, and priors",
        found: names)
    }
    taps = logits + others
    (levels, regMax, self.priors) = ([], 0, priors)
    self.configuration = configuration
  }

  /// A head with separate convolutions for boxes, objectness and classes at each stride.
  private init(
    objectness maps: [(name: String, shape: [Int])], configuration: HeadConfiguration,
    height: Int, width: Int
  ) throws {
    let classes = configuration.classes.count
    levels = []
    for (stride, members) in try Self.byStride(maps, configuration, height, width) {
      let channels = members.map { maps[$0].shape[1] }
      guard members.count == 3, let box = channels.firstIndex(of: 4),
        let objectness = channels.firstIndex(of: 1),
        let label = channels.indices.first(where: {
          $0 != box && $0 != objectness && channels[$0] == classes
        })
      else { throw Self.refusal(maps, configuration, "4, 1 and \(classes) channels") }
      levels.append(
        HeadLevel(
          stride: stride, rows: maps[members[0]].shape[2], columns: maps[members[0]].shape[3],
          box: .init(map: members[box]), classes: .init(map: members[label]),
          objectness: .init(map: members[objectness])))
    }
    taps = maps.map(\.name)
    regMax = 0
    self.configuration = configuration
  }

  /// The indices of the maps of each stride, the finest first.
  private static func byStride(
    _ maps: [(name: String, shape: [Int])], _ configuration: HeadConfiguration, _ height: Int,
    _ width: Int
  ) throws -> [(stride: Int, members: [Int])] {
    var byStride: [Int: [Int]] = [:]
    for (index, map) in maps.enumerated() {
      guard map.shape.count == 4, map.shape[2] > 0, height % map.shape[2] == 0,
        width / map.shape[3] == height / map.shape[2]
      else { throw refusal(maps, configuration, "maps of whole strides") }
      byStride[height / map.shape[2], default: []].append(index)
    }
    return byStride.sorted { $0.key < $1.key }.map { (stride: $0.key, members: $0.value) }
  }

  private static func refusal(
    _ maps: [(name: String, shape: [Int])], _ configuration: HeadConfiguration,
    _ expected: String
  ) -> RawHeadError {
    .shapes(
      family: configuration.family, expected: expected + " at each stride",
      found: maps.map { "'\($0.name)' \($0.shape)" })
  }

  /// An anchor-based head: at each stride of the configuration one map `[N, A·(5 + C), H, W]`.
  private init(
    anchored maps: [(name: String, shape: [Int])], configuration: HeadConfiguration
  ) throws {
    let fields = configuration.classes.count + 5
    let (strides, anchors) = (configuration.strides, configuration.anchors)
    guard maps.count == strides.count, maps.count == anchors.count,
      zip(maps, anchors).allSatisfy({ $0.shape.count == 4 && $0.shape[1] == $1.count * fields })
    else {
      throw RawHeadError.shapes(
        family: configuration.family,
        expected: "maps of \(fields) channels an anchor at strides \(strides)",
        found: maps.map { "'\($0.name)' \($0.shape)" })
    }
    levels = maps.indices.map { index in
      HeadLevel(
        stride: strides[index], rows: maps[index].shape[2], columns: maps[index].shape[3],
        box: .init(map: index), classes: .init(map: index, first: 5),
        objectness: .init(map: index, first: 4))
    }
    taps = maps.map(\.name)
    regMax = 0
    self.configuration = configuration
  }

  /// A head with distance distributions: at each stride one map of boxes and classes, or one of
  /// each.
  private init(
    distributions maps: [(name: String, shape: [Int])], scoresFirst: Bool,
    configuration: HeadConfiguration, height: Int, width: Int
  ) throws {
    let classes = configuration.classes.count
    func refuse() -> RawHeadError {
      Self.refusal(maps, configuration, "box distances and \(classes) classes")
    }
    levels = []
    var bins: Set<Int> = []
    for (stride, members) in try Self.byStride(maps, configuration, height, width) {
      let channels = members.map { maps[$0].shape[1] }
      let (rows, columns) = (maps[members[0]].shape[2], maps[members[0]].shape[3])
      let boxes: HeadLevel.Channels
      let labels: HeadLevel.Channels
      if members.count == 1, channels[0] > classes, (channels[0] - classes) % 4 == 0 {
        bins.insert((channels[0] - classes) / 4)
        boxes = .init(map: members[0])
        labels = .init(map: members[0], first: channels[0] - classes)
      } else if members.count == 2, let label = channels.lastIndex(of: classes),
        channels[1 - label] % 4 == 0
      {
        bins.insert(channels[1 - label] / 4)
        boxes = .init(map: members[1 - label])
        labels = .init(map: members[label])
      } else {
        throw refuse()
      }
      levels.append(
        HeadLevel(stride: stride, rows: rows, columns: columns, box: boxes, classes: labels))
    }
    guard bins.count == 1, let count = bins.first, count > 1 else { throw refuse() }
    if scoresFirst {
      for index in levels.indices where levels[index].box.map == levels[index].classes.map {
        levels[index].classes.first = 0
        levels[index].box.first = classes
      }
    }
    taps = maps.map(\.name)
    regMax = count - 1
    self.configuration = configuration
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

extension Graph {
  /// The outputs of the last convolutions before the graph's outputs, in the order of the nodes.
  ///
  /// The fixed projection that turns a distribution into its mean counts as decoding.
  public func lastConvolutions(_ registry: OperatorRegistry) -> [String] {
    let links = Connectivity(self)
    let learnt = Set(TrainableParameter.all(in: self, registry: registry).map(\.name))
    let aliases = self.aliases(registry)
    // Weights with fake quantisation, and weights stored as integers, count as well.
    func isLearnt(_ name: String) -> Bool {
      if learnt.contains(aliases[name] ?? name) { return true }
      guard let maker = links.producer[name].map({ nodes[$0] }) else { return false }
      return registry.integerRole(of: maker) == .dequantizer
        && self[constant: maker.inputs[0]] != nil
    }
    var found: Set<Int> = []
    var seen: Set<Int> = []
    var front = outputs.compactMap { links.producer[$0.name] }
    while let index = front.popLast() {
      guard seen.insert(index).inserted else { continue }
      let node = nodes[index]
      if node.qualifiedType == "Conv", node.inputs.count > 1,
        isLearnt(node.inputs[1])
      {
        found.insert(index)
      } else {
        front += node.inputs.compactMap { links.producer[$0] }
      }
    }
    return found.sorted().map { nodes[$0].outputs[0] }
  }
}

/// Why a detector's head cannot be trained with labels.
public enum RawHeadError: Error, Equatable, CustomStringConvertible {
  case noLoss(family: String)
  case shapes(family: String, expected: String, found: [String])
  case fixedClasses(family: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .noLoss(let family):
      "there is no loss for heads of the family \(family) yet"
    case .fixedClasses(let family):
      "the classes of \(family) heads cannot be replaced yet"
    case .shapes(let family, let expected, let found):
      "a \(family) head has \(expected), found \(found.joined(separator: ", "))"
    }
  }
}
