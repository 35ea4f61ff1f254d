import Execution
import GraphIR
import Tensors

/// Means of channels over images.
public enum ChannelMeans {
  /// The mean of each channel of values `[N, C, …]` over images and positions, `[values][C]`; none
  /// for values of another kind.
  ///
  /// - Throws: What sessions and `inputs` throw.
  public static func measured(
    _ graph: Graph, _ values: [String], _ inputs: some CalibrationSet, _ engine: Engine
  ) throws -> [[Float]] {
    let session = try engine.session(graph, taps: values, checksTaps: true)
    var sums = values.map { _ in [Double]() }
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
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
          sums[place][channel] += Double(sum) / Double(max(area * inputs.count, 1))
        }
      }
    }
    return sums.map { $0.map { Float($0) } }
  }
}
