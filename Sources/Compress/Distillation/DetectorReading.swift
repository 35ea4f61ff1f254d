import GraphIR
import ObjectDetection
import Training

/// A detector as distillation sees it: its head and what it takes.
struct DetectorReading {
  let graph: Graph
  let configuration: HeadConfiguration
  let imageSize: (height: Int, width: Int)
  /// The raw maps of the head; `nil` when they are not found, for the reason given.
  let head: RawHead?
  let headReason: String

  /// Recognises a detector.
  ///
  /// - Throws: `HeadError` when nothing is recognised.
  init(_ graph: Graph, head options: DetectionOptions, common: CommonOptions) throws {
    let shapes = try options.parsedShapes()
    let runtime = try SessionRuntime(graph, threads: common.threadCount, inputShapes: shapes)
    let detector = try Detector(runtime, graph: graph, settings: try options.settings())
    configuration = detector.configuration
    imageSize = (runtime.imageInput.height, runtime.imageInput.width)
    self.graph = graph
    do {
      head = try RawHead.find(
        in: graph, configuration: configuration, height: imageSize.height, width: imageSize.width,
        inputShapes: shapes)
      headReason = ""
    } catch let error as RawHeadError {
      (head, headReason) = (nil, "\(error)")
    }
  }

  /// The shapes of the raw maps for one image.
  func mapShapes(threads: Int) throws -> [[Int]] {
    guard let head else { return [] }
    return try ReferenceNetwork(
      graph, values: head.taps, batchSize: 1, imageSize: imageSize, threads: threads
    ).shapes
  }
}
