import Execution
import GraphIR
import Tensors

/// Statistics of channels on images: after the layers that make them, and where other layers read
/// them.
public struct ChannelActivations: Sendable {
  /// Averages over images and positions, by channel.
  public struct Statistics: Sendable, Equatable {
    /// The mean.
    public var mean: [Double]
    /// The mean of absolute values.
    public var meanMagnitude: [Double]
    /// The fraction of positions whose value is at most zero.
    public var silentFraction: [Double]

    init(channels: Int) {
      mean = Array(repeating: 0, count: channels)
      (meanMagnitude, silentFraction) = (mean, mean)
    }
  }

  /// The statistics by the index of the producer.
  public private(set) var producers: [Statistics]
  /// The statistics by the index of the consumer.
  public private(set) var consumers: [Statistics]
  /// The number of images.
  public private(set) var images = 0

  /// Runs a graph on images and averages the values of its channels.
  ///
  /// - Throws: what the session and `inputs` throw.
  public init(
    _ coupling: ChannelCoupling, inputs: some CalibrationSet, engine: Engine
  ) throws {
    let graph = coupling.graph
    let links = Connectivity(graph)
    let features = coupling.producers.map {
      ChannelFeatures(of: $0.output, in: graph, links, coupling.trace).feature
    }
    let sources = coupling.consumers.map { graph.nodes[$0.node].inputs[$0.input] }
    producers = coupling.producers.map { Statistics(channels: $0.groups.count) }
    consumers = coupling.consumers.map { Statistics(channels: $0.groups.count) }
    let session = try engine.session(
      graph, taps: Set(features + sources).sorted(), isRewritten: false, checksTaps: true)
    try engine.progress.job("looking at activations", total: inputs.count, unit: "images") { done in
      while images < inputs.count {
        try inputs.fill(images, into: session)
        try session.run()
        images += 1
        for (index, name) in features.enumerated() {
          Self.add(session.outputView(name), axisFromEnd: nil, to: &producers[index])
        }
        for (index, name) in sources.enumerated() {
          Self.add(
            session.outputView(name), axisFromEnd: coupling.consumers[index].axisFromEnd,
            to: &consumers[index])
        }
        done(images)
      }
    }
    guard images > 0 else { return }
    for index in producers.indices { producers[index].divide(by: Double(images)) }
    for index in consumers.indices { consumers[index].divide(by: Double(images)) }
  }

  /// Adds the averages of one image.
  ///
  /// Without an axis, the axis whose extent is the number of channels is taken.
  private static func add(_ view: TensorView?, axisFromEnd: Int?, to sums: inout Statistics) {
    guard let view, view.elementType == .float32 else { return }
    let channels = sums.mean.count
    let axis =
      axisFromEnd.map { view.shape.count - $0 }
      ?? (view.shape.count > 1 && view.shape[1] == channels ? 1 : view.shape.count - 1)
    guard view.shape.indices.contains(axis), view.shape[axis] == channels else { return }
    let inner = view.shape[(axis + 1)...].reduce(1, *)
    let outer = view.shape[..<axis].reduce(1, *)
    let values = view.base.assumingMemoryBound(to: Float.self)
    let weight = 1 / Double(max(inner * outer, 1))
    for channel in 0..<channels {
      var (sum, magnitude, silent) = (0.0, 0.0, 0)
      for block in 0..<outer {
        let line = values + (block * channels + channel) * inner
        for index in 0..<inner {
          sum += Double(line[index])
          magnitude += Double(line[index].magnitude)
          if line[index] <= 0 { silent += 1 }
        }
      }
      sums.mean[channel] += sum * weight
      sums.meanMagnitude[channel] += magnitude * weight
      sums.silentFraction[channel] += Double(silent) * weight
    }
  }
}

extension ChannelActivations.Statistics {
  fileprivate mutating func divide(by count: Double) {
    for channel in mean.indices {
      mean[channel] /= count
      meanMagnitude[channel] /= count
      silentFraction[channel] /= count
    }
  }
}
