import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import TestSupport
import Tensors

/// A small network with a head, and the boxes that an independent decoder reads off its outputs.
struct HeadGolden {
  /// The name of the files in `Tests/Goldens/Heads`.
  var name: String
  /// The network.
  var graph: Graph
  /// Rows of class, confidence, left, top, right and bottom, the most confident first.
  var boxes: [[Double]]

  static let size = 64

  static let index = try? JSONDecoder().decode(
    [String: [[Double]]].self,
    from: Data(contentsOf: folder.appending(path: "heads.json")))

  private static let folder = SharedAssets.package.appending(path: "Tests/Goldens/Heads")

  init(_ name: String) throws {
    self.name = name
    graph = try ModelFile.load(Self.folder.appending(path: "\(name).onnx"))
    boxes = Self.index?[name] ?? []
  }

  /// The file that describes the head; absent for those of families.
  var example: URL? {
    let url = SharedAssets.package.appending(path: "Examples/heads/\(name).yaml")
    return FileManager.default.fileExists(atPath: url.path) ? url : nil
  }

  /// The image that the golden was made with.
  static var image: Tensor {
    let count = 3 * size * size
    return Tensor((0..<count).map { Float($0 * 7919 % 1009) / 1009 }, shape: [1, 3, size, size])
  }

  /// The outputs of a network on the image.
  static func outputs(_ graph: Graph) throws -> (tensors: [String: Tensor], order: [String]) {
    let session = try Session(graph, registry: .standard)
    return (try session.run([session.inputs[0].name: image]), session.outputNames)
  }

  /// All boxes that a configuration reads off the outputs.
  func found(_ configuration: HeadConfiguration) throws -> [Detection] {
    let outputs = try Self.outputs(graph)
    var configuration = configuration
    configuration.confidence = 0
    guard let family = HeadFamily.named(configuration.family) else { return [] }
    return try family.decode(
      HeadOutputs(
        tensors: outputs.tensors, order: outputs.order, height: Self.size, width: Self.size),
      configuration)
  }

  /// What tells boxes apart from the golden's, a sentence; `nil` where nothing does.
  func difference(_ found: [Detection]) -> String? {
    guard let lowest = boxes.last?[1] else { return "there is no golden" }
    let margin = Tolerance.network.bound
    for box in boxes {
      let isFound = found.contains { detection in
        let b = detection.box
        return detection.classIndex == Int(box[0])
          && abs(detection.confidence - box[1]) < margin
          && zip([b.left, b.top, b.right, b.bottom], box[2...]).allSatisfy {
            abs($0 - $1) < Tolerance.boxEdge.bound
          }
      }
      if !isFound { return "no box like \(box) among \(found.count)" }
    }
    let above = found.count { $0.confidence > lowest + margin }
    return above > boxes.count ? "\(above) boxes for \(boxes.count)" : nil
  }
}
