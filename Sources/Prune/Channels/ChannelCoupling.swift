import Execution
import GraphIR
import Compression
import Tensors

/// Which channels of a graph have to be removed together, and which cannot be removed.
///
/// Every output channel of a weighted node gets a label, and the labels are followed through the
/// graph. Layout operators rearrange labels as they rearrange elements. Operators that combine
/// elements unite the labels that meet. Depthwise convolutions pass labels on. Where a value's
/// labels differ along several axes, they are united so far that removing some leaves a rectangular
/// tensor. Labels that reach a graph output or an operator without rules stay. United labels are
/// one ``Group``.
public struct ChannelCoupling: Sendable {
  /// A weighted node that makes channels of its own.
  public struct Producer: Sendable {
    /// The node's index in the graph.
    public var node: Int
    /// The node's label.
    public var label: String
    /// The value it makes.
    public var output: String
    /// The constant that holds its weights.
    public var weight: String
    /// The axis of the weights that its channels run along.
    public var weightAxis: Int
    /// The group of each channel, `nil` for channels that stay.
    public var groups: [Int?]
    /// Why a channel stays, by channel.
    public var frozen: [Int: FreezeReason]
  }

  /// A node that sums over channels: a weighted one, or a product of two activations.
  public struct Consumer: Sendable {
    /// The node's index in the graph.
    public var node: Int
    /// The node's label.
    public var label: String
    /// Which of its inputs holds the channels.
    public var input: Int
    /// The axis of that input that channels run along, counted from the end.
    public var axisFromEnd: Int
    /// The constant that holds its weights; `nil` for a product of two activations.
    public var weight: String?
    /// The axis of the weights that channels run along.
    public var weightAxis: Int
    /// The number of groups of a convolution.
    public var convolutionGroups: Int
    /// The group of each channel, `nil` for channels that stay.
    public var groups: [Int?]
  }

  /// Channels that must be removed together.
  public struct Group: Sendable, Hashable {
    /// A channel of a producer.
    public struct Member: Sendable, Hashable {
      /// The producer's index in ``ChannelCoupling/producers``.
      public var producer: Int
      /// The channel.
      public var channel: Int
    }

    /// The channels, in the order of the nodes.
    public var members: [Member]
  }

  /// The graph that was traced, its inputs at the types they were traced with.
  public let graph: Graph
  /// The nodes that make channels, in order.
  public let producers: [Producer]
  /// The nodes that read channels, in order.
  public let consumers: [Consumer]
  /// Depthwise convolutions, whose channels are those they read, in order.
  public let depthwise: [Consumer]
  /// The groups that may be removed, in the order of their first member.
  public let groups: [Group]
  /// Sets of groups of which at least one has to stay; otherwise a value would have no elements.
  public let minimalSets: [[Int]]
  let trace: ChannelTrace
  let registry: OperatorRegistry
  private let groupOfRoot: [Int32: Int]

  /// Traces the channels of a graph.
  ///
  /// - Parameters:
  ///   - inputShapes: Concrete shapes of inputs whose declared shape is not fixed.
  ///   - excluded: Globs over node and constant names whose own channels stay.
  /// - Throws: ``ExecutionError`` when an input's shape is not known.
  public init(
    _ graph: Graph, registry: OperatorRegistry, inputShapes: [String: [Int]] = [:],
    excluded: [NamePattern] = []
  ) throws {
    let inputs = try graph.concreteInputTypes(inputShapes)
    var trace = ChannelTrace(
      graph, typed: TypedGraph(graph, registry: registry, inputs: inputs), inputs: inputs)
    trace.run(excluded: excluded)
    self.graph = graph
    self.registry = registry
    self.trace = trace
    let labels = trace.labels
    var groupOfRoot: [Int32: Int] = [:]
    var groups: [Group] = []
    for (producer, found) in trace.producers.enumerated() {
      for (channel, label) in found.labels.enumerated() {
        guard label != LabelTensor.none, labels.reason(label) == nil else { continue }
        let member = Group.Member(producer: producer, channel: channel)
        let root = labels.root(label)
        if let group = groupOfRoot[root] {
          groups[group].members.append(member)
        } else {
          groupOfRoot[root] = groups.count
          groups.append(Group(members: [member]))
        }
      }
    }
    func group(_ label: Int32) -> Int? {
      label == LabelTensor.none ? nil : groupOfRoot[labels.root(label)]
    }
    producers = trace.producers.map { found in
      let node = graph.nodes[found.node]
      var frozen: [Int: FreezeReason] = [:]
      for (channel, label) in found.labels.enumerated() {
        if let reason = labels.reason(label) { frozen[channel] = reason }
      }
      return Producer(
        node: found.node, label: node.label, output: node.outputs[0], weight: found.weight,
        weightAxis: found.weightAxis, groups: found.labels.map(group), frozen: frozen)
    }
    func consumer(_ found: ChannelTrace.Consumer) -> Consumer {
      Consumer(
        node: found.node, label: graph.nodes[found.node].label, input: found.input,
        axisFromEnd: found.axisFromEnd, weight: found.weight, weightAxis: found.weightAxis,
        convolutionGroups: found.groups, groups: found.labels.map(group))
    }
    consumers = trace.consumers.map(consumer)
    depthwise = trace.depthwise.map(consumer)
    self.groups = groups
    self.groupOfRoot = groupOfRoot
    minimalSets = trace.minimalSets(group)
  }

  /// The group of a label, `nil` for labels that stay.
  func group(of label: Int32) -> Int? {
    label == LabelTensor.none ? nil : groupOfRoot[trace.labels.root(label)]
  }

  /// Channels of all producers.
  public var channelCount: Int { producers.reduce(0) { $0 + $1.groups.count } }

  /// Channels that have to stay, by the kind of obstacle.
  public var frozenCounts: [FreezeReason.Kind: Int] {
    producers.reduce(into: [:]) { counts, producer in
      for reason in producer.frozen.values { counts[reason.kind, default: 0] += 1 }
    }
  }
}

extension ChannelCoupling {
  /// The number of channels that each kind of obstacle keeps, as text.
  public var obstacles: String {
    let counts = frozenCounts.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
    return counts.isEmpty
      ? "the model has no layers with channels"
      : counts.map { "\($0.value) because \($0.key.rawValue)" }.joined(separator: ", ")
  }
}
