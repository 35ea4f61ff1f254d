import Execution
import GraphIR
import Compression
import Tensors

/// Channels chosen by LASSO and readers refitted by least squares, layer by layer.
///
/// The number of groups that each block of layers loses is given. A ``LassoProblem`` chooses which
/// ones, on the original network's activations. Every layer that reads the block contributes to it,
/// weighted by its share of explained response.
///
/// Then each layer downstream is refitted, in the order of the network. Its target is the original
/// network's response. Its input comes from the network that is pruned and refitted up to there.
/// Where a layer's response is added to a shortcut without an activation between, the target also
/// compensates for the error of the shortcut.
///
/// Reference: He, Zhang and Sun, *Channel Pruning for Accelerating Very Deep Neural Networks*, ICCV
/// 2017, arXiv:1707.06168. Deviations:
///
/// - A channel that several layers read is chosen for all of them at once; the paper samples the
///   first layer's input in residual branches.
/// - LASSO sees the original activations and least squares the pruned ones; in the paper both see
///   the pruned ones.
/// - Refitting is regularised towards the old weights, see ``LeastSquaresReconstruction``.
/// - Positions are sampled and weighed by ``ResponseImportance``; the paper draws them uniformly.
/// - A constant is fitted too. It goes to the bias or to a normalisation's running mean.
public struct ChannelReconstruction: Sendable {
  /// The effect of refitting on one layer.
  public struct ReaderRefit: Codable, Sendable, Equatable {
    /// The layer's label.
    public var label: String
    /// The relative squared error of its responses when channels are removed without refitting, on
    /// images that are held back from fitting where there are enough.
    public var errorBefore: Double
    /// The same after its weights are refitted.
    public var errorAfter: Double
  }

  /// The groups that are removed.
  public private(set) var removed: Set<Int>
  /// New values of weights, biases and running means.
  public private(set) var weights: [String: Tensor] = [:]
  /// The refitted layers, in order.
  public private(set) var layers: [ReaderRefit] = []
  private let coupling: ChannelCoupling
  private let readers: [LayerReader]
  private let settings: Settings

  /// How a reconstruction samples images.
  public struct Settings: Sendable {
    /// The number of positions for each element of a layer's patch, over all images.
    public var positionsPerWeight = 24.0
    /// The most positions of a layer.
    public var mostPositions = 60_000
    /// Of every so many images, one is held back to choose the ridge and to measure errors.
    public var heldBackEvery = 8
    /// The seed of the positions.
    public var seed: UInt64
    /// What positions and outputs count; `nil` where all count alike.
    public var importance: ResponseImportance?

    /// Settings with the usual number of positions.
    public init(seed: UInt64 = 0) {
      self.seed = seed
    }

    /// The positions of a layer's response in one of `images` images, the same in every run.
    func positions(of reader: LayerReader, in image: Int, of images: Int) -> [Int] {
      let wanted = min(
        Double(mostPositions), max(positionsPerWeight * Double(reader.weightsPerOutput), 2000))
      return reader.positions(
        image, wanted: Int((wanted / Double(max(images, 1))).rounded(.up)), seed: seed)
    }

    /// The positions that are sampled, by their importance where it is known.
    func sample(_ reader: LayerReader, _ image: Int, of images: Int) -> [Int] {
      importance?[reader.layer.node]?.positions[image]
        ?? positions(of: reader, in: image, of: images)
    }

    /// The weights of the sampled positions; empty where all count alike.
    func weights(_ reader: LayerReader, _ image: Int) -> [Float] {
      importance?[reader.layer.node]?.weights[image] ?? []
    }
  }

  /// Chooses as many groups of each block as `pattern` removes, and refits the layers downstream.
  ///
  /// - Parameters:
  ///   - pattern: A cut that gives the number of groups in each block.
  ///   - chooses: Whether LASSO chooses the groups; otherwise exactly those of `pattern` are
  ///     removed.
  ///   - refits: Whether the layers downstream are refitted; otherwise the choice is all.
  ///   - inputs: The images.
  /// - Throws: what sessions and `inputs` throw.
  public init(
    _ coupling: ChannelCoupling, like pattern: Set<Int>, chooses: Bool = true,
    refits: Bool = true, settings: Settings, inputs: some CalibrationSet, engine: Engine
  ) throws {
    self.coupling = coupling
    self.settings = settings
    removed = pattern
    readers = (coupling.consumers + coupling.depthwise).compactMap { LayerReader(coupling, $0) }
    let pool = ThreadPool(threads: engine.threads)
    var original = try Responses(
      readers, coupling, settings: settings, inputs: inputs, engine: engine, pool: pool)
    if chooses { removed = choose(like: pattern, problems(original, pool)) }
    original.forgetMoments()
    guard refits else { return }
    try refit(original, inputs, engine, pool)
  }

  // MARK: Choosing

  /// The LASSO problem of each reader's input channels.
  private func problems(_ original: Responses, _ pool: ThreadPool) -> [LassoProblem?] {
    zip(readers, original.moments).map { reader, moments in
      guard let moments, let tensor = coupling.trace.typed.operands[reader.weight]?.constant else {
        return nil
      }
      return LassoProblem(
        moments, weights: reader.reader.matrix(tensor), channels: reader.channels, pool: pool)
    }
  }

  private func choose(like pattern: Set<Int>, _ problems: [LassoProblem?]) -> Set<Int> {
    let blocks = ChannelBlocks(coupling, scores: coupling.groups.map { _ in 0 }).blocks
    var removed = pattern
    for block in blocks {
      let going = block.count(where: pattern.contains)
      guard going > 0, going < block.count else { continue }
      let places = Dictionary(uniqueKeysWithValues: block.enumerated().map { ($1, $0) })
      var sum: LassoProblem?
      for (reader, problem) in zip(readers, problems) {
        let groups = reader.layer.groups.map { $0.flatMap { places[$0] } }
        guard let problem, groups.contains(where: { $0 != nil }) else { continue }
        let own = problem.grouped(groups, count: block.count)
        let size = (0..<own.count).reduce(0.0) { $0 + own.gram[$1 * own.count + $1] }
        guard size > 0 else { continue }
        // Every reader is weighted such that its response counts as a share.
        let share = own.scaled(by: 1 / size)
        if sum == nil { sum = share } else { sum? += share }
      }
      guard let sum else { continue }
      let kept = Set(sum.select(block.count - going).map { block[$0] })
      removed.subtract(block)
      removed.formUnion(block.filter { !kept.contains($0) })
    }
    // No value may lose all its channels because LASSO chooses other groups within its blocks.
    for set in coupling.minimalSets where removed.isSuperset(of: set) {
      if let back = set.first(where: { !pattern.contains($0) }) ?? set.first {
        removed.remove(back)
      }
    }
    return removed
  }

  // MARK: Refitting

  private mutating func refit(
    _ original: Responses, _ inputs: some CalibrationSet, _ engine: Engine, _ pool: ThreadPool
  ) throws {
    let downstream = downstreamReaders()
    try engine.progress.job("reconstructing", total: downstream.count, unit: "layers") {
      try refit(downstream, original, inputs, engine, pool, $0)
    }
  }

  private mutating func refit(
    _ downstream: [Int], _ original: Responses, _ inputs: some CalibrationSet, _ engine: Engine,
    _ pool: ThreadPool, _ observe: (Int) -> Void
  ) throws {
    for (step, index) in downstream.enumerated() {
      let reader = readers[index]
      let groups = reader.layer.groups
      let kept = groups.indices.filter { groups[$0].map { !removed.contains($0) } ?? true }
      let (moments, heldBack) = try self.moments(index, original, inputs, engine, pool)
      observe(step + 1)
      guard let tensor = coupling.trace.typed.operands[reader.weight]?.constant,
        let fit = LayerFit(
          reader, moments, heldBack, weights: reader.reader.matrix(tensor), keeping: kept),
        setIntercept(fit.intercept, reader)
      else { continue }
      weights[reader.weight] = reader.reader.tensor(fit.weights, like: tensor)
      layers.append(
        ReaderRefit(
          label: reader.layer.label, errorBefore: fit.errorBefore, errorAfter: fit.errorAfter))
    }
  }

  /// Readers that depend on removed channels, directly or through other layers.
  private func downstreamReaders() -> [Int] {
    var altered: Set<String> = []
    for producer in coupling.producers
    where producer.groups.contains(where: { $0.map(removed.contains) ?? false }) {
      altered.insert(producer.output)
    }
    for node in coupling.graph.nodes where node.inputs.contains(where: altered.contains) {
      altered.formUnion(node.outputs)
    }
    return readers.indices.filter { altered.contains(readers[$0].source) }.sorted {
      readers[$0].layer.node < readers[$1].layer.node
    }
  }

  /// Moments of a layer's input in the pruned network against its response in the original: of the
  /// images to fit, and of those that are held back.
  private func moments(
    _ index: Int, _ original: Responses, _ inputs: some CalibrationSet, _ engine: Engine,
    _ pool: ThreadPool
  ) throws -> (fitted: [PatchMoments], heldBack: [PatchMoments]) {
    let reader = readers[index]
    let shortcut = original.shortcuts[index]
    var graph = try ChannelProof.silenced(coupling, removing: removed, weights: weights)
    graph.outputs = ([reader.source] + (shortcut.map { [$0.value] } ?? [])).map {
      ValueInfo(name: $0, type: .undeclared)
    }
    graph.removeDeadNodes()
    let session = try engine.session(graph, checksTaps: true)
    // Those of the images to fit, and those of the images that are held back.
    var moments = [reader.reader.emptyMoments(), reader.reader.emptyMoments()]
    let every = settings.heldBackEvery
    var row = 0
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
      try session.run()
      guard let view = session.outputView(reader.source) else { continue }
      let positions = settings.sample(reader, image, of: inputs.count)
      let count = positions.count * reader.outputs
      var target = Array(original.responses[index][row..<row + count])
      if let shortcut, let now = session.outputView(shortcut.value) {
        let values = reader.reader.responses(now, at: positions)
        for place in target.indices {
          let lost = original.shortcutValues[index][row + place] - values[place]
          target[place] += lost * shortcut.factors[place % reader.outputs]
        }
      }
      row += count
      let isHeldBack = every > 1 && image % every == every - 1
      reader.reader.add(
        patches: reader.reader.patches(view, at: positions), responses: target,
        weights: settings.weights(reader, image),
        to: &moments[isHeldBack ? 1 : 0], pool: pool)
    }
    return (moments[0], moments[1])
  }

  /// Sets the fitted constant as the layer's bias or running mean; `false` when the layer needs one
  /// and has no place for it.
  private mutating func setIntercept(
    _ intercept: [Float], _ reader: LayerReader
  ) -> Bool {
    let operands = coupling.trace.typed.operands
    let place = InterceptPlace(
      behind: reader.layer.node, reader.rules, of: coupling.graph, outputs: reader.outputs,
      operands: operands,
      links: Connectivity(coupling.graph))
    switch place {
    case .bias?, .runningMean?:
      if let (name, value) = place?.updated(intercept, constant: { operands[$0]?.constant }) {
        weights[name] = value
        return true
      }
    default: break
    }
    return intercept.allSatisfy { $0.magnitude < 1e-6 }
  }
}

/// A layer's new weights: one fit, or one for each channel of a depthwise layer.
private struct LayerFit {
  var weights: [Float]
  var intercept: [Float]
  var errorBefore = 0.0
  var errorAfter = 0.0

  init?(
    _ reader: LayerReader, _ moments: [PatchMoments], _ heldBack: [PatchMoments],
    weights: [Float], keeping kept: [Int]
  ) {
    guard reader.isDepthwise else {
      guard
        let fit = LeastSquaresReconstruction(
          moments[0], heldBack: heldBack[0], weights: weights, channels: reader.channels,
          keeping: kept)
      else { return nil }
      (self.weights, intercept) = (fit.weights, fit.intercept)
      (errorBefore, errorAfter) = (fit.errorBefore, fit.errorAfter)
      return
    }
    self.weights = weights
    intercept = Array(repeating: 0, count: reader.outputs)
    let variations = moments.map(\.responseVariation)
    let whole = kept.reduce(0.0) { $0 + variations[$1] }
    for channel in kept {
      let own = channel * reader.kernel..<(channel + 1) * reader.kernel
      guard
        let fit = LeastSquaresReconstruction(
          moments[channel], heldBack: heldBack[channel], weights: Array(weights[own]),
          channels: 1, keeping: [0])
      else { return nil }
      self.weights.replaceSubrange(own, with: fit.weights)
      intercept[channel] = fit.intercept[0]
      // The layer's error is the mean of its channels' errors, weighted by their share of the
      // variation.
      guard whole > 0 else { continue }
      errorBefore += fit.errorBefore * variations[channel] / whole
      errorAfter += fit.errorAfter * variations[channel] / whole
    }
  }
}
