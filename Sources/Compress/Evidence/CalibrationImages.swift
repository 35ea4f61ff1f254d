import Execution
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
  /// The network's input.
  let input: ImageInput
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
    input = runtime.imageInput
    do {
      preprocessing = try Detector(runtime, graph: graph, settings: try head.settings())
        .configuration.preprocessing
    } catch let error as HeadError {
      preprocessing = input.takesBytes ? Preprocessing(std: [1]) : Preprocessing()
      let range = input.takesBytes ? "stretched" : "scaled to 0…1 and stretched"
      common.logger.notice("calibration images are \(range): \(error)")
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
  func fill(_ index: Int, into target: UnsafeMutableRawPointer) throws {
    try fill(index, as: input, into: target)
  }

  private func fill(
    _ index: Int, as input: ImageInput, into target: UnsafeMutableRawPointer
  ) throws {
    last.index = index
    guard sources.indices.contains(index) else {
      var random = CounterRandom(seed: UInt64(index))
      return TensorView(type: input.type, base: target).fillRandomly(using: &random)
    }
    _ = preprocessing.apply(try sources[index].load(), as: input, to: target)
  }

  /// Writes an input into a session.
  func fill(_ index: Int, _ session: Session) throws {
    guard let view = session.input(input.name) else { return }
    try fill(index, into: view.base)
  }

  /// One input as a tensor by the input's name.
  func feed(_ index: Int) throws -> [String: Tensor] {
    let tensor = Tensor(uninitialized: input.type)
    try fill(index, into: tensor.view.base)
    return [input.name: tensor]
  }

  /// All images in float32 batches `[N, 3, H, W]`, whatever the input's layout and type; what does not fill a batch is left
  /// out unless it is all there is.
  func batches(of size: Int) throws -> (values: [[Float]], shape: [Int]) {
    let size = min(size, count)
    let planar = ImageInput(
      name: input.name, layout: .channelsFirst, elementType: .float32, height: input.height,
      width: input.width)
    let planes = planar.shape.product
    let values = try (0..<count / size).map { batch in
      try [Float](unsafeUninitializedCapacity: size * planes) { memory, filled in
        if let base = memory.baseAddress {
          for index in 0..<size {
            try fill(batch * size + index, as: planar, into: base + index * planes)
          }
        }
        filled = size * planes
      }
    }
    return (values, [size] + planar.shape.dropFirst())
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
