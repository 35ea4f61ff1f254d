import Execution
import GraphIR
import Compression
import Tensors

/// The responses of the original network's layers at sampled positions.
struct Responses {
  /// The responses by reader: `[positions of all images, outputs]`.
  private(set) var responses: [[Float]]
  /// The shortcut by reader, at the same positions; empty without one.
  private(set) var shortcutValues: [[Float]]
  /// The shortcut of each reader.
  let shortcuts: [Shortcut?]
  /// The moments of each reader's input against its response; `nil` for depthwise readers, which
  /// have no choice.
  private(set) var moments: [PatchMoments?]

  init(
    _ readers: [LayerReader], _ coupling: ChannelCoupling,
    settings: ChannelReconstruction.Settings, inputs: some CalibrationSet, engine: Engine,
    pool: ThreadPool
  ) throws {
    let links = Connectivity(coupling.graph)
    shortcuts = readers.map {
      Shortcut(
        beside: $0.layer.node, of: coupling.graph, operands: coupling.trace.typed.operands,
        links: links)
    }
    responses = readers.map { _ in [] }
    shortcutValues = responses
    let taps = Set(readers.flatMap { [$0.source, $0.output] } + shortcuts.compactMap { $0?.value })
    let session = try engine.session(coupling.graph, taps: taps.sorted(), checksTaps: true)
    moments = readers.map {
      $0.isDepthwise ? nil : PatchMoments(depth: $0.depth, outputs: $0.outputs)
    }
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
      try session.run()
      for (index, reader) in readers.enumerated() {
        guard let x = session.outputView(reader.source), let y = session.outputView(reader.output)
        else { continue }
        let positions = settings.sample(reader, image, of: inputs.count)
        let response = reader.reader.responses(y, at: positions)
        responses[index] += response
        if let shortcut = shortcuts[index], let value = session.outputView(shortcut.value) {
          shortcutValues[index] += reader.reader.responses(value, at: positions)
        }
        moments[index]?.add(
          patches: reader.reader.patches(x, at: positions), responses: response,
          weights: settings.weights(reader, image), pool: pool)
      }
    }
  }

  /// Frees the memory of the moments.
  mutating func forgetMoments() { moments = moments.map { _ in nil } }
}
