import Execution
import GraphIR
import Tensors

/// What a written model must compute, derived from the original model and the plan.
///
/// The network that is about to be written is run by the engine and compared with one that the code
/// which made it has not touched. Outputs are compared, and also the outputs of the last layers,
/// because scores count little where they share an output with boxes in pixels.
public struct Prediction {
  /// Two networks that must agree.
  public struct Claim {
    /// The text of the claim, for messages.
    public var what: String
    /// The network with the expected values.
    public var expected: Graph
    /// Its names of the outputs, where they differ.
    public var renamed: [String: String]
    /// The network that is compared with it; `nil` for the written file.
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

  /// The result of the comparison.
  public struct Verification: Codable, Sendable, Equatable {
    /// The largest root mean squared difference of an output, divided by the output's range.
    public var difference: Double
    /// The number of inputs that both networks ran on.
    public var images: Int
  }

  /// The claims.
  public var claims: [Claim] = []
  /// Values for the inputs, once for each run.
  public var feeds: [[String: Tensor]]
  private let engine: Engine

  /// The bound for float networks that compute the same in another order.
  static let rounding = 1e-3
  /// The bound for quantised networks, as a part of the difference that quantisation itself makes.
  ///
  /// A float near the middle between two steps may be rounded down in one network and up in the
  /// other. Then later values differ by a step.
  static let partOfRounding = 0.5
  /// The difference of a few such steps, which is allowed for quantised networks in any case.
  static let fewSteps = 0.05

  /// A prediction without claims, on seeded noise for a network's inputs.
  ///
  /// - Throws: What the session throws when the network cannot be run.
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

  /// A prediction without claims, on seeded noise; `nil` where the engine cannot run the network.
  public static func onNoise(_ graph: Graph, engine: Engine) -> Prediction? {
    try? Prediction(noiseFor: graph, engine: engine)
  }

  /// A prediction without claims, on the first calibration inputs.
  public init(_ inputs: some CalibrationSet, engine: Engine) throws {
    self.init(feeds: try (0..<min(inputs.count, Self.images)).map(inputs.feed), engine: engine)
  }

  private init(feeds: [[String: Tensor]], engine: Engine) {
    (self.feeds, self.engine) = (feeds, engine)
  }

  private static let images = 2

  /// Notes that a network was trained on: what was claimed of the written file is claimed of that
  /// network, and the file must hold the trained one.
  public mutating func follow(_ network: Graph, by trained: Graph) {
    for index in claims.indices where claims[index].found == nil { claims[index].found = network }
    claims.append(Claim(what: "storing the network", expected: trained))
  }

  /// Checks all claims.
  ///
  /// - Throws: ``CompressionError/unpredicted(claim:value:difference:)`` naming the first value
  ///   that is not what was predicted; what sessions throw.
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

  /// The difference of one value from its prediction.
  private struct Distance {
    var name: String
    /// The largest difference over all inputs.
    var found: Double
    /// The difference that quantisation itself makes; `nil` where nothing is quantised.
    var noise: Double?

    var isAllowed: Bool {
      guard let noise else { return found <= Prediction.rounding }
      // Differences that are not finite are not allowed either.
      return found <= max(Prediction.fewSteps, Prediction.partOfRounding * noise)
    }
  }

  /// The first value in the order of the network that differs from its prediction, of all values
  /// that can be compared.
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
    let isRounded =
      claim.float != nil
      || [claim.expected, found].contains { graph in
        graph.nodes.contains { engine.registry.integerRole(of: $0)?.rounds == true }
      }
    return values.indices.compactMap { place in
      var distance = Distance(name: values[place], found: 0, noise: isRounded ? 0 : nil)
      for image in feeds.indices {
        guard let a = expected[image][place], let b = own[image][place] else { return nil }
        // Intermediate values that lost channels cannot be compared. An output that lost channels
        // is wrong.
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

extension Prediction.Claim {
  /// The outputs, and the outputs of the last layers, where both networks have them.
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

  /// The float values with the same name in both networks, in order.
  fileprivate func shared(with found: Graph) -> [String] {
    let made = Set(found.nodes.flatMap(\.outputs)).subtracting([""])
    let outputs = found.outputs.map(\.name).filter(made.contains)
    let others = expected.nodes.flatMap(\.outputs).filter {
      made.contains($0) && !outputs.contains($0)
    }
    return others + outputs
  }
}
