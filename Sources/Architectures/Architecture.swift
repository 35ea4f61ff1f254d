import GraphIR

/// A detector that can be built with seeded initial weights.
public struct Architecture: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the design comes from.
  public var citation: String
  /// The network for the given options.
  ///
  /// The graph has one input `images` `[batch, 3, height, width]` with a symbolic batch, batch
  /// normalisations that are not folded, the head's raw maps as outputs, and its
  /// `HeadConfiguration` in the metadata.
  public var build: @Sendable (ArchitectureOptions) throws -> Graph

  /// An architecture of the given parts.
  public init(
    name: String, summary: String, citation: String,
    build: @escaping @Sendable (ArchitectureOptions) throws -> Graph
  ) {
    (self.name, self.summary, self.citation, self.build) = (name, summary, citation, build)
  }

  /// Every architecture, in the order of help and error texts: those of the library, then added
  /// ones.
  public static var all: [Architecture] { builtIn + additions.all }

  /// Adds an architecture, which is then found by its name.
  public static func add(_ architecture: Architecture) { additions.add(architecture) }

  private static let additions = Additions<Architecture>()
  private static let builtIn: [Architecture] = [
    .yolov5Lite, .yolov5n, .yolov8n, .mobileNetV2SSDLite, .vgg11,
  ]

  /// The architecture with a name.
  public static func named(_ name: String) -> Architecture? { all.first { $0.name == name } }
}

/// The options of an ``Architecture``.
public struct ArchitectureOptions: Sendable {
  /// The names of the classes.
  public var classes: [String]
  /// The factor of the numbers of channels.
  public var width: Double
  /// The factor of the repetitions of blocks.
  public var depth: Double
  /// Rows and columns of the input, a multiple of the largest stride.
  public var imageSize: Int
  /// The seed of the initial weights.
  public var seed: UInt64

  /// Options with the given parts.
  public init(
    classes: [String], width: Double = 1, depth: Double = 1, imageSize: Int = 320, seed: UInt64 = 0
  ) {
    self.classes = classes
    self.width = width
    self.depth = depth
    self.imageSize = imageSize
    self.seed = seed
  }
}
