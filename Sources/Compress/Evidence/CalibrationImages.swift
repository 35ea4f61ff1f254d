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
  private let last = LastImage()

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
    let found = try path.map { try Dataset.load(URL(filePath: $0)) } ?? dataset
    sources = (found?.images ?? []).prefix(count).map(\.source)
    if path != nil, sources.isEmpty {
      throw CommandError(.noInput, "\(path ?? ""): has no images to calibrate with")
    }
  }

  /// How many different inputs there are; noise makes one.
  var count: Int { max(sources.count, 1) }

  /// Says which image a value was found not to be finite on.
  ///
  /// - Throws: ``CommandError`` in place of `NotFinite`, else what `body` throws.
  func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as NotFinite {
      guard case .activation = error, sources.indices.contains(last.index) else { throw error }
      throw CommandError(.badData, "\(sources[last.index].label): \(error)")
    }
  }

  /// Writes an input.
  func fill(_ index: Int, into target: UnsafeMutablePointer<Float>) throws {
    last.index = index
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

extension ImageSource {
  /// What messages call the image.
  fileprivate var label: String {
    switch self {
    case .file(let url): url.path
    case .encoded(let image): image.name
    case .scene(let scene): "embedded scene \(scene.index)"
    case .leaves(let leaves): "drawn image \(leaves.index)"
    }
  }
}

/// The image that a network was last shown.
private final class LastImage {
  var index = 0
}
