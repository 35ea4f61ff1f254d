import Execution
import GraphIR
import Tensors

/// Runs a network over images and notes what its values are.
public struct Calibration: Sendable, Codable {
  /// The statistics of each value, by name.
  public private(set) var statistics: [String: ValueStatistics]
  /// How many images were looked at.
  public private(set) var images: Int

  /// Looks at some values of a network.
  ///
  /// Memory is that of one image's activations and of one histogram a value, whatever the number of
  /// images.
  ///
  /// - Parameters:
  ///   - values: The names of the values.
  ///   - inputs: The images.
  ///   - known: What was noted of the first images, of the same values of the same network.
  ///   - observe: Told how many images are done, and what was noted when it asks.
  /// - Throws: What sessions, `inputs` and `observe` throw.
  public init(
    _ graph: Graph, values: [String], countsNumbers: Bool, inputs: some CalibrationSet,
    engine: Engine, resuming known: Calibration? = nil,
    observe: (Int, () -> Calibration) throws -> Void = { _, _ in }
  ) throws {
    let session = try engine.session(graph, taps: values, checksTaps: true)
    let pool = ThreadPool(threads: engine.threads)
    var all = values.map {
      known?.statistics[$0] ?? ValueStatistics(countsNumbers: countsNumbers)
    }
    images = inputs.count
    for image in min(known?.images ?? 0, images)..<images {
      try inputs.fill(image, into: session)
      try session.run()
      let views = values.map { session.outputView($0) ?? session.input($0) }
      all.withUnsafeMutableBufferPointer { all in
        let target = SendableBuffer(all)
        pool.forEach(values.count) { index in
          guard let view = views[index], view.elementType == .float32 else { return }
          target.buffer[index].add(UnsafeBufferPointer(view.elements(as: Float.self)))
        }
      }
      try observe(image + 1) { Calibration(values, all, images: image + 1) }
    }
    statistics = Dictionary(uniqueKeysWithValues: zip(values, all))
  }

  private init(_ values: [String], _ statistics: [ValueStatistics], images: Int) {
    self.statistics = Dictionary(uniqueKeysWithValues: zip(values, statistics))
    self.images = images
  }
}

/// A buffer whose elements threads write one each.
private struct SendableBuffer: @unchecked Sendable {
  let buffer: UnsafeMutableBufferPointer<ValueStatistics>
  init(_ buffer: UnsafeMutableBufferPointer<ValueStatistics>) { self.buffer = buffer }
}
