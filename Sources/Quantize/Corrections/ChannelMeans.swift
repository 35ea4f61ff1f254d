import Execution
import GraphIR
import Operators
import Tensors

/// How images enter sessions.
public struct ImageFeed {
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

/// Means of channels over images.
public enum ChannelMeans {
  /// The mean of each channel of values `[N, C, …]` over images and positions, `[values][C]`; none for values of another kind.
  ///
  /// - Throws: What sessions and `feed` throw.
  public static func measured(
    _ graph: Graph, _ values: [String], _ feed: ImageFeed
  ) throws -> [[Float]] {
    var options = SessionOptions(
      threads: feed.threads, inputShapes: feed.inputShapes, passes: StandardRewrites.inference,
      taps: values)
    options.checksTaps = true
    let session = try Session(
      graph, registry: .standard,
      options: options)
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
