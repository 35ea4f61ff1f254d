import Execution
import GraphIR
import Layers
import Tensors

/// What the layers of the network as it was read and answer at sampled positions of images.
struct OriginalResponses {
  /// By layer and use: `[positions of all images, outputs]`.
  private(set) var responses: [[[Float]]]
  /// By layer: of what it reads in the network as it was, by group.
  private(set) var moments: [[PatchMoments]]

  /// Runs a network over the images.
  ///
  /// - Throws: What sessions and `feed` throw.
  init(
    _ layers: [ReconstructedLayer], in graph: Graph, registry: OperatorRegistry,
    configuration: SecondOrderPruning.Configuration, feed: SecondOrderPruning.Feed,
    observe: (Int) -> Void
  ) throws {
    responses = layers.map { $0.uses.map { _ in [] } }
    moments = layers.map { $0.reader.emptyMoments() }
    var options = configuration.options
    options.taps = Set(layers.flatMap { $0.uses.flatMap { [$0.reader.source, $0.reader.output] } })
      .sorted()
    let session = try Session(graph, registry: registry, options: options)
    let pool = ThreadPool(threads: options.threads)
    for image in 0..<configuration.images {
      _ = try session.outputs(for: feed(image))
      for (index, layer) in layers.enumerated() {
        for (place, use) in layer.uses.enumerated() {
          guard let x = session.outputView(use.reader.source),
            let y = session.outputView(use.reader.output)
          else { continue }
          let positions = layer.positions(use, image: image, configuration)
          let values = use.reader.responses(y, at: positions)
          responses[index][place] += values
          use.reader.add(
            patches: use.reader.patches(x, at: positions), responses: values, to: &moments[index],
            pool: pool)
        }
      }
      observe(image + 1)
    }
  }

  /// Lets go of the moments of a layer that nobody asks for again.
  mutating func forgetMoments(of layer: Int) { moments[layer] = [] }
}
