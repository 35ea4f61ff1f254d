import Foundation
import GraphIR
import ObjectDetection
import Tensors

/// Images that a network is looked at with, preprocessed as when it detects.
struct CalibrationImages {
  /// Where the pixels come from; empty for seeded noise.
  let sources: [ImageSource]
  /// How they become the network's input.
  let preprocessing: Preprocessing
  /// The network's input, `[1, 3, H, W]`.
  let shape: [Int]
  /// The name of that input.
  let input: String

  /// The first images of a folder or data set, or of the data set given.
  ///
  /// - Throws: ``CommandError`` when there are none, or the network takes no image.
  init(
    _ graph: Graph, path: String?, otherwise dataset: Dataset?, count: Int, head: DetectionOptions,
    common: CommonOptions
  ) throws {
    let shapes = try head.parsedShapes()
    let runtime = try SessionRuntime(graph, threads: 1, inputShapes: shapes)
    shape = runtime.inputShape
    input = runtime.session.inputs[0].name
    do {
      preprocessing = try Detector(runtime, graph: graph, settings: try head.settings())
        .configuration.preprocessing
    } catch let error as HeadError {
      preprocessing = Preprocessing()
      common.logger.notice("calibration images are scaled to 0…1 and stretched: \(error)")
    }
    let found =
      try path.map { try DataSource(path: $0, looksAtImages: false).load(common) }
      ?? dataset
    sources = (found?.images ?? []).prefix(count).map(\.source)
    if path != nil, sources.isEmpty {
      throw CommandError(.noInput, "\(path ?? ""): has no images to calibrate with")
    }
  }

  /// How many different inputs there are; noise makes one.
  var count: Int { max(sources.count, 1) }

  /// Writes an input.
  func fill(_ index: Int, into target: UnsafeMutablePointer<Float>) throws {
    guard sources.indices.contains(index) else {
      var random = CounterRandom(seed: UInt64(index))
      for place in 0..<shape.reduce(1, *) {
        target[place] = Float.random(in: 0..<1, using: &random)
      }
      return
    }
    _ = preprocessing.apply(
      try sources[index].load(), width: shape[3], height: shape[2], to: target)
  }

  /// One input as a tensor by the input's name.
  func feed(_ index: Int) throws -> [String: Tensor] {
    let tensor = Tensor(uninitialized: TensorType(.float32, shape))
    try fill(index, into: tensor.view.base.assumingMemoryBound(to: Float.self))
    return [input: tensor]
  }

  /// All inputs in batches of one shape; what does not fill a batch is left out unless it is all there is.
  func batches(of size: Int) throws -> (values: [[Float]], shape: [Int]) {
    let size = min(size, count)
    let plane = shape.dropFirst().reduce(1, *)
    let values = try (0..<count / size).map { batch in
      try [Float](unsafeUninitializedCapacity: size * plane) { memory, filled in
        if let base = memory.baseAddress {
          for index in 0..<size { try fill(batch * size + index, into: base + index * plane) }
        }
        filled = size * plane
      }
    }
    return (values, [size] + shape.dropFirst())
  }
}
