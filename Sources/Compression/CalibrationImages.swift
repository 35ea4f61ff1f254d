import Execution
import GraphIR
import ObjectDetection
import Tensors

/// Calibration images, preprocessed as in detection.
public struct CalibrationImages: CalibrationSet {
  /// Where the pixels come from; empty for seeded noise.
  public let sources: [ImageSource]
  /// How they become the network's input.
  public let preprocessing: Preprocessing
  /// The network's input.
  public let input: ImageInput
  private let last = LastImage()

  /// The first images of a set; seeded noise where there are none.
  ///
  /// They are prepared as `PreprocessingReading` finds. The engine's observer is warned where that
  /// is a guess.
  ///
  /// - Parameters:
  ///   - settings: The given settings of the head; the rest is recognised.
  /// - Throws: `InputError` when the network takes no image, what sessions throw.
  public init(
    _ graph: Graph, _ images: Dataset?, count: Int, settings: HeadSettings = HeadSettings(),
    engine: Engine
  ) throws {
    input = try graph.onlyImageInput(engine.inputShapes)
    let preparation = try PreprocessingReading(graph, settings: settings, engine: engine)
    preprocessing = preparation.preprocessing
    sources = (images?.images ?? []).prefix(count).map(\.source)
    if !sources.isEmpty, let remark = preparation.remark { engine.progress.warning(remark) }
  }

  /// Whether there are no images but noise.
  public var isNoise: Bool { sources.isEmpty }

  /// The number of different inputs; noise is one input.
  public var count: Int { max(sources.count, 1) }

  /// Names the image on which a value is not finite.
  ///
  /// - Throws: ``CompressionError/image(_:_:)`` in place of `NotFinite`, and whatever else `body`
  ///   throws.
  public func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as NotFinite {
      guard case .activation = error, sources.indices.contains(last.index) else { throw error }
      throw CompressionError.image(sources[last.index].label, error)
    }
  }

  /// Writes an input into memory.
  public func fill(_ index: Int, into target: UnsafeMutableRawPointer) throws {
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
  public func fill(_ index: Int, into session: Session) throws {
    guard let view = session.input(input.name) else { return }
    try fill(index, into: view.base)
  }

  /// One input as a tensor by the input's name.
  public func feed(_ index: Int) throws -> [String: Tensor] {
    let tensor = Tensor(uninitialized: input.type)
    try fill(index, into: tensor.view.base)
    return [input.name: tensor]
  }

  /// Writes an image as float32 planes, `[3, H, W]`, whatever the input's layout and type.
  ///
  /// - Precondition: `target` holds as many numbers.
  public func fill(
    _ index: Int, planesInto target: UnsafeMutableBufferPointer<Float>
  ) throws {
    precondition(target.count == planar.shape.product, "\(target.count) numbers for an image")
    if let base = target.baseAddress { try fill(index, as: planar, into: base) }
  }

  /// The input as float32 planes.
  private var planar: ImageInput {
    ImageInput(
      name: input.name, layout: .channelsFirst, elementType: .float32, height: input.height,
      width: input.width)
  }

  /// All images in float32 batches `[N, 3, H, W]`, whatever the input's layout and type.
  ///
  /// An incomplete last batch is left out, unless it is the only one.
  public func batches(of size: Int) throws -> (values: [[Float]], shape: [Int]) {
    let size = min(size, count)
    let planar = planar
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
  /// The name of the image in messages.
  fileprivate var label: String {
    switch self {
    case .file(let url): url.path
    case .encoded(let image): image.name
    case .scene(let scene): "embedded scene \(scene.index)"
    case .leaves(let leaves): "drawn image \(leaves.index)"
    }
  }
}

/// The image that was read last.
private final class LastImage {
  var index = 0
}
