import Execution
import GraphIR
import Tensors

/// What a written model must compute, by the model that it was made of and the plan.
///
/// The file is read back, run by the engine and compared with a network that nothing of what wrote
/// it has touched. Outputs are compared, and what the last layers say, for where boxes in pixels
/// and scores share an output scores count little.
public struct Prediction {
  /// Two networks that must agree.
  public struct Claim {
    /// What must agree with what, for messages.
    public var what: String
    /// The network that says what is right.
    public var expected: Graph
    /// What it calls the outputs, where it calls them otherwise.
    public var renamed: [String: String]
    /// The network that is held against it; `nil` for the written file.
    public var found: Graph?
    /// The float network, where values are rounded to integers as the network runs.
    public var float: Graph?

    /// A claim that a network, or the written file, computes what another one does.
    public init(
      what: String, expected: Graph, renamed: [String: String] = [:], found: Graph? = nil,
      float: Graph? = nil
    ) {
      (self.what, self.expected, self.renamed) = (what, expected, renamed)
      (self.found, self.float) = (found, float)
    }
  }

  /// What was found.
  public struct Verification: Codable, Sendable, Equatable {
    /// The largest root mean squared difference of an output, in parts of the range that it spans.
    public var difference: Double
    /// The inputs that both networks saw.
    public var images: Int
  }

  /// What must agree.
  public var claims: [Claim] = []
  /// Values for the inputs, once for each run.
  public var feeds: [[String: Tensor]]
  private let engine: Engine

  /// Float networks that compute the same in another order differ by less than this.
  static let rounding = 1e-3
  /// Differences of rounded networks stay below this part of what rounding does itself.
  ///
  /// Where a float lies next to the middle between two steps, one network may take the lower and
  /// the other the upper, and what follows differs by a step.
  static let partOfRounding = 0.5
  /// Differences of rounded networks up to this are a few such steps, whatever rounding does.
  static let fewSteps = 0.05

  /// Nothing claimed yet, on seeded noise for a network's inputs.
  ///
  /// - Throws: What the session throws that the network cannot be run by.
  public init(noiseFor graph: Graph, engine: Engine) throws {
    let session = try engine.on(threads: 1).session(graph, isRewritten: false)
    var feed: [String: Tensor] = [:]
    for (index, (name, type)) in session.inputs.enumerated() {
      var random = CounterRandom(seed: 0x6e0e, stream: UInt64(index))
      feed[name] =
        type.elementType == .float32
        ? Tensor(
          (0..<type.count).map { _ in Float.random(in: 0..<1, using: &random) }, shape: type.shape)
        : Tensor(zeros: type)
    }
    self.init(feeds: [feed], engine: engine)
  }

  /// Nothing claimed yet, on seeded noise; `nil` where nothing here can run the network.
  public static func onNoise(_ graph: Graph, engine: Engine) -> Prediction? {
    try? Prediction(noiseFor: graph, engine: engine)
  }

  /// Nothing claimed yet, on the first inputs that a network was looked at with.
  public init(_ inputs: some CalibrationSet, engine: Engine) throws {
    self.init(feeds: try (0..<min(inputs.count, Self.images)).map(inputs.feed), engine: engine)
  }

  private init(feeds: [[String: Tensor]], engine: Engine) {
    (self.feeds, self.engine) = (feeds, engine)
  }

  private static let images = 2

  /// Runs all that is claimed.
  ///
  /// - Throws: ``CompressionError/unpredicted(claim:value:difference:)`` naming the first value that
  ///   is not what was predicted; what sessions throw.
  public func check(_ file: Graph) throws -> Verification {
    var result = Verification(difference: 0, images: feeds.count)
    for claim in claims {
      let found = claim.found ?? file
      let values = claim.comparable(with: found, registry: engine.registry)
      let distances = try distances(claim, found, values)
      if let bad = distances.first(where: { !$0.isAllowed }) {
        let first = try origin(claim, found) ?? bad
        throw CompressionError.unpredicted(
          claim: claim.what, value: first.name, difference: first.found)
      }
      if claim.found == nil {
        result.difference = distances.map(\.found).max() ?? 0
      }
    }
    return result
  }

  /// How far one value is from what was predicted.
  private struct Distance {
    var name: String
    /// The largest over all inputs.
    var found: Double
    /// What rounding itself does to it; `nil` where nothing is rounded.
    var noise: Double?

    var isAllowed: Bool {
      guard let noise else { return found <= Prediction.rounding }
      // What is not finite is not allowed either.
      return found <= max(Prediction.fewSteps, Prediction.partOfRounding * noise)
    }
  }

  /// The first value in the order of the network that is not what was predicted, all that can be
  /// compared looked at.
  private func origin(_ claim: Claim, _ found: Graph) throws -> Distance? {
    try distances(claim, found, claim.shared(with: found)).first { !$0.isAllowed }
  }

  private func distances(
    _ claim: Claim, _ found: Graph, _ values: [String]
  ) throws -> [Distance] {
    let expected = try runs(claim.expected, values.map { claim.renamed[$0] ?? $0 })
    let own = try runs(found, values)
    let float = try claim.float.map { try runs($0, values) }
    let outputs = Set(found.outputs.map(\.name))
    let isRounded = claim.float != nil || claim.expected.quantizes || found.quantizes
    return values.indices.compactMap { place in
      var distance = Distance(name: values[place], found: 0, noise: isRounded ? 0 : nil)
      for image in feeds.indices {
        guard let a = expected[image][place], let b = own[image][place] else { return nil }
        // What lost channels on its way cannot be compared; an output that did is wrong.
        guard a.type == b.type || outputs.contains(values[place]) else { return nil }
        distance.found = max(distance.found, OutputDifference.ofRange(a, b))
        if let unrounded = float?[image][place] {
          distance.noise = max(
            distance.noise ?? 0, OutputDifference.ofRange(a, unrounded))
        }
      }
      return distance
    }
  }

  /// The values of a network on each input.
  private func runs(_ graph: Graph, _ values: [String]) throws -> [[Tensor?]] {
    var graph = graph
    graph.outputs = values.map { name in
      graph.outputs.first { $0.name == name } ?? ValueInfo(name: name, type: .undeclared)
    }
    graph.removeDeadNodes()
    let session = try engine.session(graph)
    return try feeds.map { feed in
      let outputs = try session.run(feed.filter { session.input($0.key) != nil })
      return values.map { outputs[$0] }
    }
  }
}

extension Graph {
  /// Whether values are rounded to integers as the network runs.
  fileprivate var quantizes: Bool {
    nodes.contains {
      $0.opType.hasPrefix("QLinear")
        || ["QuantizeLinear", "DynamicQuantizeLinear", "QGemm", "FakeQuantize"].contains($0.opType)
    }
  }
}

extension Prediction.Claim {
  /// The outputs and what the last layers make, where both networks have them.
  fileprivate func comparable(
    with found: Graph, registry: OperatorRegistry
  ) -> [String] {
    let last = Set(
      WeightedLayers(expected, registry: registry).layers.filter(\.isLast).map {
        expected.nodes[$0.node].outputs[0]
      })
    let outputs = Set(found.outputs.map(\.name))
    return shared(with: found).filter { outputs.contains($0) || last.contains($0) }
  }

  /// The float values that both networks make under one name, in order.
  fileprivate func shared(with found: Graph) -> [String] {
    let made = Set(found.nodes.flatMap(\.outputs)).subtracting([""])
    let outputs = found.outputs.map(\.name).filter(made.contains)
    let others = expected.nodes.flatMap(\.outputs).filter {
      made.contains($0) && !outputs.contains($0)
    }
    return others + outputs
  }
}
