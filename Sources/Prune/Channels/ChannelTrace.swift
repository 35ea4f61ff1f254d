import Execution
import GraphIR
import Compression
import Tensors

/// The walk that follows labels through a graph.
struct ChannelTrace {
  /// A weighted node with labels of its own.
  struct Producer {
    var node: Int
    var weight: String
    var weightAxis: Int
    var labels: [Int32]
  }

  /// A node that sums over labels: a weighted one, or a product of two activations, which has no
  /// weight.
  struct Consumer {
    var node: Int
    var input: Int
    var axisFromEnd: Int
    var weight: String?
    var weightAxis: Int
    var groups: Int
    var labels: [Int32]
  }

  let graph: Graph
  let typed: TypedGraph
  var labels = ChannelLabels()
  /// The labels of each value that is not constant.
  var values: [String: LabelTensor] = [:]
  /// The labels along axes of constants, which say what is cut from them.
  private(set) var claims: [String: [Int: [Int32]]] = [:]
  var producers: [Producer] = []
  var consumers: [Consumer] = []
  /// Depthwise convolutions, which pass labels on, with the labels they read.
  var depthwise: [Consumer] = []
  /// For each constant, the nodes that read it and label its axes.
  private var claimingReaders: [String: Set<Int>] = [:]

  init(_ graph: Graph, typed: TypedGraph, inputs: [(String, TensorType)]) {
    (self.graph, self.typed) = (graph, typed)
    for (name, type) in inputs where graph.initializers[name] == nil {
      values[name] = LabelTensor(shape: type.shape)
    }
  }

  mutating func run(excluded: [NamePattern]) {
    for entry in typed.entries where !entry.isConstant { visit(entry) }
    for output in graph.outputs {
      freeze(values[output.name], because: FreezeReason(.graphOutput, at: output.name))
    }
    freezeSharedConstants()
    for producer in producers {
      let names = [graph.nodes[producer.node].name, producer.weight]
      if excluded.contains(where: { names.contains(where: $0.matches) }) {
        for label in producer.labels {
          labels.freeze(label, because: FreezeReason(.excluded, at: producer.weight))
        }
      }
    }
  }

  private mutating func visit(_ entry: TypedGraph.Entry) {
    let node = graph.nodes[entry.index]
    // Unnamed outputs at the end, such as the indices of a pool's largest elements, are not made.
    let named = node.outputs.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0
    guard let types = entry.outputs.map({ Array($0.prefix(named)) }),
      let rules = entry.rules as? any ChannelOperator,
      node.subgraphs.isEmpty,
      let flow = rules.channelFlow(inputs: entry.inputs, outputs: types),
      let results = results(of: flow, Site(entry: entry, node: node, types: types))
    else { return makeOpaque(entry, node) }
    for (name, result) in zip(node.outputs, results) where !name.isEmpty {
      values[name] = squared(result, at: node)
    }
  }

  /// A node whose channels are followed.
  struct Site {
    var entry: TypedGraph.Entry
    var node: Node
    var types: [TensorType]

    func constant(_ input: Int) -> Tensor? {
      entry.inputs.indices.contains(input) ? entry.inputs[input]?.constant : nil
    }
  }

  /// The labels of the outputs, `nil` when the rule does not fit what is known.
  private mutating func results(of flow: ChannelFlow, _ site: Site) -> [LabelTensor]? {
    switch flow {
    case .rearranged(let data): rearranged(data, site)
    case .extended: extended(site)
    case .aligned: aligned(Array(site.node.inputs.indices), site).map { [$0] }
    case .perChannel(let parameters): perChannel(parameters, site)
    case .reduced(let axes): mixed(axes, site, keepsShape: false)
    case .normalized(let axes): mixed(axes, site, keepsShape: true)
    case .convolution(let weight, let bias, let groups, let isTransposed):
      convolution(
        ConvolutionPlace(weight: weight, bias: bias, groups: groups, isTransposed: isTransposed),
        site)
    case .product(let transposesA, let transposesB, let bias):
      product(transposesA, transposesB, bias, site)
    }
  }

  /// Freezes the labels that a node without rules reads.
  ///
  /// Its outputs belong to no channel.
  private mutating func makeOpaque(_ entry: TypedGraph.Entry, _ node: Node) {
    for name in node.reads {
      freeze(values[name], because: FreezeReason(.opaque, at: node.label))
    }
    for (index, name) in node.outputs.enumerated() where !name.isEmpty {
      values[name] = entry.outputs.map { LabelTensor(shape: $0[index].shape) }
    }
  }

  mutating func freeze(_ value: LabelTensor?, because reason: FreezeReason) {
    for label in value?.labels ?? [] { labels.freeze(label, because: reason) }
  }

  // MARK: Constants

  /// Notes which labels run along an axis of a constant.
  ///
  /// Labels from several nodes are united.
  mutating func claim(_ input: Int, axis: Int, _ line: [Int32], _ site: Site) {
    let name = site.node.inputs[input]
    claimingReaders[name, default: []].insert(site.entry.index)
    if let known = claims[name]?[axis] {
      for (a, b) in zip(known, line) {
        labels.unite(a, b, because: FreezeReason(.unlabelled, at: site.node.label))
      }
    } else {
      claims[name, default: [:]][axis] = line
    }
  }

  /// Freezes labels along constants that other nodes read whole.
  private mutating func freezeSharedConstants() {
    var readers: [String: Set<Int>] = [:]
    for (index, node) in graph.nodes.enumerated() where !typed.entries[index].isConstant {
      for name in node.reads { readers[name, default: []].insert(index) }
    }
    for (name, axes) in claims {
      let others = (readers[name] ?? []).subtracting(claimingReaders[name] ?? [])
      guard !others.isEmpty || graph.outputs.contains(where: { $0.name == name }) else { continue }
      for label in axes.values.joined() {
        labels.freeze(label, because: FreezeReason(.unlabelled, at: name))
      }
    }
  }

  // MARK: Boxes

  /// Unites labels so that they differ along one axis only.
  ///
  /// Then removing any leaves a rectangular tensor.
  ///
  /// The axis is the one that leaves the most groups.
  private mutating func squared(_ value: LabelTensor, at node: Node) -> LabelTensor {
    let axes = value.varyingAxes
    guard axes.count > 1 else { return value }
    let reason = FreezeReason(.layout, at: node.label)
    let best = axes.map { axis -> (axis: Int, labels: ChannelLabels, groups: Int) in
      var united = labels
      for slice in value.slices(along: axis) {
        for label in slice.dropFirst() { united.unite(slice[0], label, because: reason) }
      }
      let open = value.labels.filter { $0 != LabelTensor.none && united.reason($0) == nil }
      return (axis, united, Set(open.map(united.root)).count)
    }.max { ($0.groups, -$0.axis) < ($1.groups, -$1.axis) }
    guard let best else { return value }
    labels = best.labels
    return value.mapped { $0 == LabelTensor.none ? $0 : labels.root($0) }
  }

  /// For each value, the sets of groups that must not all go.
  func minimalSets(_ group: (Int32) -> Int?) -> [[Int]] {
    var sets: Set<[Int]> = []
    for value in values.values {
      var members: Set<Int> = []
      var stays = false
      for label in value.labels {
        if let group = group(label) { members.insert(group) } else { stays = true }
      }
      if !stays, !members.isEmpty { sets.insert(members.sorted()) }
    }
    return sets.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
