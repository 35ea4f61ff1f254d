import Execution
import GraphIR
import Layers
import Operators
import Tensors

/// What a written model must compute, by the model that it was made of and the plan.
///
/// The file is read back, run by the engine and compared with a network that nothing of what wrote
/// it has touched. Outputs are compared, and what the last layers say, for where boxes in pixels
/// and scores share an output scores count little.
struct Prediction {
  /// Two networks that must agree.
  struct Claim {
    /// What must agree with what, for messages.
    var what: String
    /// The network that says what is right.
    var expected: Graph
    /// What it calls the outputs, where it calls them otherwise.
    var renamed: [String: String] = [:]
    /// The network that is held against it; `nil` for the written file.
    var found: Graph?
    /// The float network, where values are rounded to integers as the network runs.
    var float: Graph?
  }

  /// What was found.
  struct Verification: Codable, Sendable, Equatable {
    /// The largest root mean squared difference of an output, in parts of the range that it spans.
    var difference: Double
    /// The inputs that both networks saw.
    var images: Int
  }

  var claims: [Claim] = []
  /// Values for the inputs, once for each run.
  var feeds: [[String: Tensor]]
  var inputShapes: [String: [Int]] = [:]
  var threads = 1

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
  init(noiseFor graph: Graph, inputShapes: [String: [Int]], threads: Int) throws {
    let session = try Session(
      graph, registry: .standard, options: SessionOptions(inputShapes: inputShapes))
    var feed: [String: Tensor] = [:]
    for (index, (name, type)) in session.inputs.enumerated() {
      var random = CounterRandom(seed: 0x6e0e, stream: UInt64(index))
      feed[name] =
        type.elementType == .float32
        ? Tensor(
          (0..<type.count).map { _ in Float.random(in: 0..<1, using: &random) }, shape: type.shape)
        : Tensor(zeros: type)
    }
    self.init(feeds: [feed], inputShapes: inputShapes, threads: threads)
  }

  /// Nothing claimed yet, on seeded noise; `nil` where nothing here can run the network.
  static func onNoise(
    _ graph: Graph, _ head: DetectionOptions, _ common: CommonOptions
  ) -> Prediction? {
    try? Prediction(
      noiseFor: graph, inputShapes: head.parsedShapes(), threads: common.threadCount)
  }

  /// Nothing claimed yet, on the first images that a network was looked at with.
  init(_ images: CalibrationImages, inputShapes: [String: [Int]], threads: Int) throws {
    self.init(
      feeds: try (0..<min(images.count, Self.images)).map(images.feed), inputShapes: inputShapes,
      threads: threads)
  }

  private init(feeds: [[String: Tensor]], inputShapes: [String: [Int]], threads: Int) {
    (self.feeds, self.inputShapes, self.threads) = (feeds, inputShapes, threads)
  }

  private static let images = 2

  /// Runs all that is claimed.
  ///
  /// - Throws: ``CommandError`` of status 70 naming the first value that is not what was predicted;
  ///   what sessions throw.
  func check(_ file: Graph) throws -> Verification {
    var result = Verification(difference: 0, images: feeds.count)
    for claim in claims {
      let found = claim.found ?? file
      let values = claim.comparable(with: found)
      let distances = try distances(claim, found, values)
      if let bad = distances.first(where: { !$0.isAllowed }) {
        let first = try origin(claim, found) ?? bad
        throw CommandError(
          .internalError,
          "\(claim.what): value '\(first.name)' differs by \(Format.metric(first.found)) of its "
            + "range from what was predicted; nothing is written: please report this model")
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
        if let reals = float?[image][place] {
          distance.noise = max(distance.noise ?? 0, OutputDifference.ofRange(a, reals))
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
    let session = try Session(
      graph, registry: .standard,
      options: SessionOptions(
        threads: threads, inputShapes: inputShapes, passes: StandardRewrites.inference))
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
  fileprivate func comparable(with found: Graph) -> [String] {
    let last = Set(
      WeightedLayers(expected, registry: .standard).layers.filter(\.isLast).map {
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
