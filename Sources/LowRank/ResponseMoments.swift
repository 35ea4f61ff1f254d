import Execution
import GraphIR
import Compression
import Tensors

/// Means and covariances of a layer's output channels over positions of calibration images.
public struct ResponseMoments: Sendable {
  /// The mean of each channel.
  public var means: [Double]
  /// `Σ (y − ȳ)(y − ȳ)ᵀ / n`, `[O, O]`.
  public var covariance: [Double]

  /// Collects the moments of layers' responses in a network.
  ///
  /// - Parameter inputs: The images.
  /// - Returns: The moments by the name of the layer's weights.
  /// - Throws: what sessions and `inputs` throw.
  public static func collect(
    _ layers: [FactorizableLayer], in graph: Graph, settings: ResponseCorrection.Settings,
    inputs: some CalibrationSet, engine: Engine
  ) throws -> [String: ResponseMoments] {
    guard inputs.count > 0 else { return [:] }
    let names = layers.map { $0.uses.map { graph.nodes[$0.node].outputs[0] } }
    let session = try engine.session(
      graph, taps: Set(names.flatMap { $0 }).sorted(), isRewritten: false, checksTaps: true)
    var sums = layers.map { PatchMoments(depth: $0.outputs, outputs: 0) }
    let pool = ThreadPool(threads: engine.threads)
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
      try session.run()
      for (index, layer) in layers.enumerated() {
        let wanted = min(
          max(settings.positionsPerWeight * Double(layer.outputs), 2000),
          Double(settings.mostPositions))
        let each = Int((wanted / Double(inputs.count)).rounded(.up))
        for name in names[index] {
          guard let view = session.outputView(name) else { continue }
          let map = ResponseMap(view, layer.kind)
          let random = CounterRandom(
            seed: settings.seed, stream: UInt64(index) << 32 | UInt64(image))
          sums[index].add(
            patches: map.values(at: map.positions(each, random)), responses: [], pool: pool)
        }
      }
    }
    return Dictionary(
      uniqueKeysWithValues: zip(layers, sums).map { ($0.weight, ResponseMoments($1)) })
  }

  private init(_ sums: PatchMoments) {
    let n = Double(max(sums.count, 1))
    means = sums.patchSum.map { $0 / n }
    covariance = sums.centredPatches(Array(0..<sums.depth)).map { $0 / n }
  }
}

/// A value with a channel axis, read by position.
struct ResponseMap {
  let view: TensorView
  let isImage: Bool
  let channels: Int
  let places: Int

  init(_ view: TensorView, _ kind: FactorizableLayer.Kind) {
    self.view = view
    isImage = kind == .convolution
    channels = isImage ? view.shape[1] : view.shape.last ?? 1
    places = isImage ? view.shape.dropFirst(2).reduce(1, *) : view.shape.dropLast().reduce(1, *)
  }

  /// The positions that `PatchReader.positions` chooses.
  func positions(_ wanted: Int, _ random: CounterRandom) -> [Int] {
    guard wanted < places else { return Array(0..<places) }
    var random = random
    return (0..<wanted).map { _ in Int.random(in: 0..<places, using: &random) }
  }

  func values(at positions: [Int]) -> [Float] {
    let y = view.base.assumingMemoryBound(to: Float.self)
    var result: [Float] = []
    result.reserveCapacity(positions.count * channels)
    for position in positions {
      for channel in 0..<channels {
        result.append(isImage ? y[channel * places + position] : y[position * channels + channel])
      }
    }
    return result
  }
}
