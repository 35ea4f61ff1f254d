import Execution
import GraphIR
import Compression
import Tensors

/// The inputs and responses of the original network's layers at sampled positions of images.
struct OriginalResponses {
  /// The responses by layer and use, with the shortcut added where there is one:
  /// `[positions of all images, outputs]`.
  private(set) var responses: [[[Float]]]
  /// The moments of each layer's input in the original network, by group.
  private(set) var moments: [[PatchMoments]]

  /// Runs a network over the images.
  ///
  /// - Throws: What sessions and `inputs` throw.
  init(
    _ layers: [ReconstructedLayer], in graph: Graph,
    configuration: SecondOrderPruning.Configuration, inputs: some CalibrationSet, engine: Engine
  ) throws {
    responses = layers.map { $0.uses.map { _ in [] } }
    moments = layers.map { $0.reader.emptyMoments() }
    let taps = Set(layers.flatMap { $0.uses.flatMap { $0.sources + [$0.reader.output] } })
    let session = try engine.session(graph, taps: taps.sorted())
    let pool = ThreadPool(threads: engine.threads)
    try engine.progress.job("looking at images", total: inputs.count, unit: "images") { done in
      for image in 0..<inputs.count {
        _ = try session.outputs(for: inputs.feed(image))
        add(image, of: inputs.count, session, layers, configuration, pool)
        done(image + 1)
      }
    }
  }

  private mutating func add(
    _ image: Int, of images: Int, _ session: Session, _ layers: [ReconstructedLayer],
    _ configuration: SecondOrderPruning.Configuration, _ pool: ThreadPool
  ) {
    for (index, layer) in layers.enumerated() {
      for (place, use) in layer.uses.enumerated() {
        guard let x = session.outputView(use.reader.source),
          let y = session.outputView(use.reader.output)
        else { continue }
        let positions = layer.positions(use, image: image, of: images, configuration)
        let values = use.reader.responses(y, at: positions)
        var targets = values
        if let shortcut = use.shortcut, let other = session.outputView(shortcut.value) {
          shortcut.add(use.reader.responses(other, at: positions), to: &targets, sign: 1)
        }
        responses[index][place] += targets
        use.reader.add(
          patches: use.reader.patches(x, at: positions), responses: values, to: &moments[index],
          pool: pool)
      }
    }
  }
}
