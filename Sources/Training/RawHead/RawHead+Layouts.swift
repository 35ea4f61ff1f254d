import GraphIR
import ObjectDetection

/// The layouts whose maps have everything that a loss needs.
extension RawHead {
  /// A head with separate convolutions for boxes, objectness and classes at each stride.
  init(objectness maps: [Map], _ site: HeadSite) throws {
    let classes = site.configuration.classes.count
    let links = Connectivity(site.graph)
    levels = []
    for (stride, found) in try site.byStride(maps) {
      // Classes come last where the three are joined, which tells four of them from a box.
      let members = found.sorted {
        site.graph.place(of: maps[$0].name, links) < site.graph.place(of: maps[$1].name, links)
      }
      let channels = members.map { maps[$0].shape[1] }
      guard members.count == 3, let box = channels.firstIndex(of: 4),
        let objectness = channels.firstIndex(of: 1),
        let label = channels.indices.first(where: {
          $0 != box && $0 != objectness && channels[$0] == classes
        })
      else { throw site.refusal(maps, "4, 1 and \(classes) channels") }
      levels.append(
        HeadLevel(
          stride: stride, rows: maps[members[0]].shape[2], columns: maps[members[0]].shape[3],
          box: .init(map: members[box]), classes: .init(map: members[label]),
          objectness: .init(map: members[objectness])))
    }
    taps = maps.map(\.name)
    regMax = 0
    configuration = site.configuration
  }

  /// A head with distance distributions: at each stride one map of boxes and classes, or one of
  /// each.
  init(distributions maps: [Map], scoresFirst: Bool, _ site: HeadSite) throws {
    let classes = site.configuration.classes.count
    func refuse() -> RawHeadError {
      site.refusal(maps, "box distances and \(classes) classes")
    }
    levels = []
    var bins: Set<Int> = []
    for (stride, members) in try site.byStride(maps) {
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
    configuration = site.configuration
  }

  /// A head of anchors that does not decode its boxes: at each stride of the configuration one map
  /// `[N, A·(5 + C), H, W]`.
  ///
  /// Where anchors have an axis of their own in the outputs, the maps are those of the last
  /// convolutions.
  init(anchored site: HeadSite) throws {
    let configuration = site.configuration
    let fields = configuration.classes.count + 5
    let (strides, anchors) = (configuration.strides, configuration.anchors)
    var maps = try site.maps(site.graph.outputs.map(\.name))
    if maps.allSatisfy({ $0.shape.count == 5 }) {
      let last = try site.lastMaps()
      let order = Dictionary(
        try site.byStride(last).map { ($0.stride, $0.members[0]) }, uniquingKeysWith: { a, _ in a })
      maps = strides.compactMap { order[$0].map { last[$0] } }
    }
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

  /// An SSD head that does not decode its boxes: the input of the softmax that makes the scores,
  /// and the offsets.
  init(priors site: HeadSite) throws {
    let configuration = site.configuration
    let graph = site.graph
    let (logits, others) = Self.softmaxOutputs(graph)
    let priors = configuration.priors(height: site.height, width: site.width)
    guard logits.count == 1, others.count == 1, !priors.isEmpty else {
      throw RawHeadError.shapes(
        family: configuration.family, expected: "scores by a softmax, offsets, and priors",
        found: graph.outputs.map(\.name))
    }
    taps = logits + others
    (levels, regMax, self.priors) = ([], 0, priors)
    self.configuration = configuration
  }

  /// The inputs of the softmaxes whose results are outputs, and the other outputs.
  static func softmaxOutputs(_ graph: Graph) -> (logits: [String], others: [String]) {
    let links = Connectivity(graph)
    var (logits, others): ([String], [String]) = ([], [])
    for output in graph.outputs {
      guard let node = links.producer[output.name].map({ graph.nodes[$0] }) else { continue }
      if node.qualifiedType == "Softmax" {
        logits.append(node.inputs[0])
      } else {
        others.append(output.name)
      }
    }
    return (logits, others)
  }
}
