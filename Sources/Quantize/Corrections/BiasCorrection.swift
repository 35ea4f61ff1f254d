import Execution
import GraphIR
import Operators
import Tensors

/// Moves biases so that layers answer in the mean what they answered before they were quantised.
///
/// Rounding of weights and activations shifts the mean of an output channel, and the shifts add up with depth. Layer by layer,
/// in order, the mean over images and positions of `y − ỹ` is added to the bias, with ỹ the answer of the quantised layer to
/// inputs made by the quantised and already corrected layers before it. Reference: Nagel et al., ICCV 2019,
/// arXiv:1906.04721, §4.2 and appendix D, the empirical form; means are taken before the activation.
public struct BiasCorrection: Sendable {
  /// What is added to each output channel, by the layer's first output.
  public private(set) var shifts: [String: [Float]] = [:]

  /// How images enter sessions.
  public struct Feed {
    /// How many images there are.
    public var images: Int
    /// The threads to compute with.
    public var threads: Int
    /// Shapes of dynamic inputs.
    public var inputShapes: [String: [Int]]
    /// Writes the input of one image into a session.
    public var fill: (Int, Session) throws -> Void

    /// Images written by `fill`.
    public init(
      images: Int, threads: Int, inputShapes: [String: [Int]],
      fill: @escaping (Int, Session) throws -> Void
    ) {
      (self.images, self.threads) = (images, threads)
      (self.inputShapes, self.fill) = (inputShapes, fill)
    }
  }

  /// Finds the shifts for a prepared network and a plan.
  ///
  /// - Parameters:
  ///   - observe: Told how many layers are done.
  /// - Throws: What sessions and `feed` throw.
  public init(
    _ source: Graph, plan: QuantizationPlan, sites: QuantizationSites, feed: Feed,
    observe: (Int, Int) -> Void = { _, _ in }
  ) throws {
    let layers = sites.nodes.filter {
      source.nodes[$0].qualifiedType == "Conv"
        && source[constant: source.nodes[$0].inputs[1]] != nil
    }
    let outputs = layers.map { source.nodes[$0].outputs[0] }
    let expected = try Self.means(source, outputs, feed)
    var corrected = source
    for (place, (index, output)) in zip(layers, outputs).enumerated() {
      observe(place, layers.count)
      var network = try QuantizedNetwork(corrected, plan: plan, sites: sites).graph
      let name =
        network.nodes.contains { $0.outputs.contains(output + "_unrounded") }
        ? output + "_unrounded" : output
      network.outputs = [ValueInfo(name: name, type: .undeclared)]
      network.removeDeadNodes()
      let found = try Self.means(network, [name], feed)[0]
      guard found.count == expected[place].count else { continue }
      let shift = zip(expected[place], found).map { $0 - $1 }
      guard shift.allSatisfy(\.isFinite) else { continue }
      shifts[output] = shift
      Self.add(shift, to: index, of: &corrected)
    }
    observe(layers.count, layers.count)
  }

  /// Adds the shifts to the biases of a prepared network.
  public static func apply(_ shifts: [String: [Float]], to graph: inout Graph) {
    for index in graph.nodes.indices {
      guard let shift = graph.nodes[index].outputs.first.flatMap({ shifts[$0] }) else { continue }
      add(shift, to: index, of: &graph)
    }
  }

  private static func add(_ shift: [Float], to index: Int, of graph: inout Graph) {
    let node = graph.nodes[index]
    var bias = [Float](repeating: 0, count: shift.count)
    if node.inputs.count > 2, let own = graph[constant: node.inputs[2]]?.floats,
      own.count == shift.count
    {
      bias = own
    }
    let name = "\(node.outputs[0])_corrected_bias"
    graph.initializers[name] = Initializer(Tensor(zip(bias, shift).map { $0 + $1 }))
    if node.inputs.count > 2 {
      graph.nodes[index].inputs[2] = name
    } else {
      graph.nodes[index].inputs.append(name)
    }
  }

  /// The mean of each channel of values `[1, C, H, W]` over images and positions.
  private static func means(_ graph: Graph, _ values: [String], _ feed: Feed) throws -> [[Float]] {
    let session = try Session(
      graph, registry: .standard,
      options: SessionOptions(
        threads: feed.threads, inputShapes: feed.inputShapes, passes: StandardRewrites.inference,
        taps: values))
    var sums = values.map { _ in [Double]() }
    for image in 0..<feed.images {
      try feed.fill(image, session)
      try session.run()
      for (place, value) in values.enumerated() {
        guard let view = session.outputView(value), view.elementType == .float32,
          view.shape.count >= 2
        else { continue }
        let channels = view.shape[1]
        let area = view.shape.dropFirst(2).reduce(1, *)
        let elements = view.elements(as: Float.self)
        if sums[place].isEmpty { sums[place] = Array(repeating: 0, count: channels) }
        for channel in 0..<channels {
          let sum = elements[channel * area..<(channel + 1) * area].reduce(Float(0), +)
          sums[place][channel] += Double(sum) / Double(max(area * feed.images, 1))
        }
      }
    }
    return sums.map { $0.map { Float($0) } }
  }
}
