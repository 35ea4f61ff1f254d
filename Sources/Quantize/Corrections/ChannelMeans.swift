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
    try engine.progress.job("measuring means", total: inputs.count, unit: "images") { done in
      for image in 0..<inputs.count {
        try inputs.fill(image, into: session)
        try session.run()
        for (place, value) in values.enumerated() {
          add(value, of: session, images: inputs.count, to: &sums[place])
        }
        done(image + 1)
      }
    }
    return sums.map { $0.map { Float($0) } }
  }

  /// Adds the means of a value's channels in one run, each image's share.
  private static func add(
    _ value: String, of session: Session, images: Int, to sums: inout [Double]
  ) {
    guard let view = session.outputView(value), view.elementType == .float32, view.shape.count >= 2
    else { return }
    let channels = view.shape[1]
    let area = view.shape.dropFirst(2).reduce(1, *)
    let elements = view.elements(as: Float.self)
    if sums.isEmpty { sums = Array(repeating: 0, count: channels) }
    for channel in 0..<channels {
      let sum = elements[channel * area..<(channel + 1) * area].reduce(Float(0), +)
      sums[channel] += Double(sum) / Double(max(area * images, 1))
    }
  }
}
