import Architectures
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Prune
import Quantize
import Tensors
import TestSupport

/// Sound files of every kind, small, made in code or taken from the goldens; those of `../shared` where it is there.
package struct FuzzSeeds {
  package private(set) var files: [FuzzKind: [Data]] = [:]
  /// A detector of 32 × 32 pixels with a head that is recognised.
  let detector: Graph

  /// The files under the package's folder.
  package init(package: URL) throws {
    detector = try Self.detector()
    let picture = Self.picture(width: 40, height: 24)
    let models = try Self.nodes() + Self.models(package)
    files[.onnx] = models
    files[.hdf5] = try models.suffix(12).map { data in
      try HDF5Format.serialize(try ONNXFormat.parse(data, file: "seed"))
    }
    files[.npy] = try [
      Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]), Tensor(scalar: Int64(7)),
      Tensor(picture.pixels, shape: [1, 24, 40, 3]),
    ].map(NPYFormat.serialize)
    files[.coco] = [Data(Self.coco.utf8)] + Self.shared(package, "cases", ["json"])
    files[.voc] = [Data(Self.voc.utf8)] + Self.shared(package, "cases", ["xml"])
    files[.yolo] = [
      Data("0 0.5 0.5 0.25 0.5\n1 0.25 0.75 0.1 0.1\n".utf8),
      Data("0 0.1 0.1 0.9 0.1 0.5 0.9\n".utf8),
    ]
    files[.head] = [Data(Self.head.utf8), Data("family: ssd\nvariances: [0.1, 0.2]\n".utf8)]
    files[.plan] = try Self.plans(detector)
    files[.jpeg] = [try ImageFile.encode(picture, as: "a.jpg")] + Self.goldenImages(package, "jpeg")
    files[.png] = [try ImageFile.encode(picture, as: "a.png")] + Self.goldenImages(package, "png")
    files[.recipe] = [Data(Self.recipe.utf8)]
    files[.state] = [Data(Self.state.utf8)]
  }

  // MARK: Models

  /// One small model for each sample of each operator, with its operands as constants or inputs.
  private static func nodes() throws -> [Data] {
    let goldens = try ["nn", "data", "opsets"].flatMap { try OperatorGolden.load($0) }
    var random = SplitMix64(seed: 1)
    return OperatorRegistry.standard.all.sorted { $0.opType < $1.opType }.flatMap { rules in
      ConformanceSamples.samples(domain: rules.domain, opType: rules.opType, goldens).prefix(4)
        .flatMap { sample in
          [0.2, 0.9].compactMap { try? ONNXFormat.serialize(graph(sample, constants: $0, &random)) }
        }
    }
  }

  private static func graph(
    _ sample: Nonsense.Case, constants: Double, _ random: inout SplitMix64
  ) -> Graph {
    var graph = sample.graph
    graph.properties.opsets[""] = graph.properties.opsets[""] ?? 18
    for (index, tensor) in sample.inputs.enumerated() {
      guard let tensor else { continue }
      if tensor.elementType == .string || Double.random(in: 0..<1, using: &random) < constants {
        graph.initializers["x\(index)"] = Initializer(tensor)
      } else {
        graph.inputs.append(ValueInfo(name: "x\(index)", type: ValueType(tensor.type)))
      }
    }
    graph.outputs = sample.node.outputs.map { ValueInfo(name: $0, type: .undeclared) }
    return graph
  }

  private static func detector() throws -> Graph {
    try Architecture.yolov8n.build(
      ArchitectureOptions(classes: ["a", "b"], width: 0.05, depth: 0.1, imageSize: 32))
  }

  /// Whole networks: the goldens, those of the shared cases, and a built detector.
  private static func models(_ package: URL) throws -> [Data] {
    let tests = package.appending(path: "Tests/Goldens")
    let goldens = ["Networks", "Gradients"].flatMap { folder in
      contents(tests.appending(path: folder), ["onnx"], largest: 1 << 17)
    }
    return shared(package, "cases", ["onnx"]) + goldens
      + [try ONNXFormat.serialize(try detector())]
  }

  /// A plan of weights, of channels and of ranges.
  private static func plans(_ graph: Graph) throws -> [Data] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let coupling = try ChannelCoupling(graph, registry: .standard)
    let removed = Set(coupling.groups.indices.filter { $0 % 3 == 0 })
    let ranges = QuantizationPlan(
      scheme: QuantizationScheme(), observer: "mse", nodes: ["a"],
      activations: [.init(name: "a", range: -1.5...6)], kept: [])
    return [
      try encoder.encode(PruningRequest().plan(for: graph, registry: .standard)),
      try encoder.encode(ChannelPlan(coupling, removing: removed, request: ChannelRequest())),
      try encoder.encode(ranges),
    ]
  }

  // MARK: Files

  private static func contents(_ folder: URL, _ endings: [String], largest: Int) -> [Data] {
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().filter { endings.contains(URL(filePath: $0).pathExtension) }
      .compactMap { try? Data(contentsOf: folder.appending(path: $0)) }
      .filter { $0.count <= largest && !$0.isEmpty }
  }

  private static func shared(_ package: URL, _ folder: String, _ endings: [String]) -> [Data] {
    contents(package.appending(path: "../shared/\(folder)"), endings, largest: 1 << 16)
  }

  private static func goldenImages(_ package: URL, _ format: String) -> [Data] {
    struct Entry: Decodable {
      var name: String
      var file: Data
    }
    let url = package.appending(path: "Tests/Goldens/Detection/images.json")
    guard let data = try? Data(contentsOf: url),
      let entries = try? JSONDecoder().decode([Entry].self, from: data)
    else { return [] }
    return entries.filter { $0.name.hasPrefix(format) }.map(\.file)
  }

  private static func picture(width: Int, height: Int) -> PixelBuffer {
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 * 7 ^ $0 >> 4) }
    return PixelBuffer(width: width, height: height, pixels: pixels)
  }

  // MARK: Texts

  private static let coco = """
    {"images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 24}],
     "categories": [{"id": 1, "name": "a"}, {"id": 7, "name": "b", "supercategory": "x"}],
     "annotations": [
       {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2.5, 10, 12], "area": 120, "iscrowd": 0,
        "segmentation": [[1, 2, 3, 4, 5, 6]]},
       {"id": 2, "image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 24], "area": 960, "iscrowd": 1}]}
    """

  private static let voc = """
    <?xml version="1.0" encoding="UTF-8"?>
    <annotation><filename>a.png</filename><size><width>40</width><height>24</height><depth>3</depth></size>
    <object><name>a</name><difficult>0</difficult>
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30.5</xmax><ymax>20</ymax></bndbox></object>
    <!-- and --><object><name>b &amp; c</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>7</xmax><ymax>8</ymax></bndbox>
    </object></annotation>
    """

  private static let head = """
    family: yolov5
    classes: [a, b]
    strides: [8, 16, 32]
    anchors: [[[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]], [[116, 90], [156, 198], [373, 326]]]
    regMax: 16
    isDecoded: true
    confidence: 0.25
    iou: 0.5
    maxDetections: 100
    preprocessing: {fit: letterbox-centre, pad: 114, order: RGB, mean: [0, 0, 0], std: [255]}
    """

  private static let recipe = """
    title: All of it
    seed: 3
    threads: 1
    scenes: {train: 8, score: 4}
    steps:
      - prune: {sparsity: 0.5, method: magnitude, exclude: ["head.*"]}
      - lowrank: {method: svd, ratio: 0.5}
      - quantize: {observer: mse, bits: 8}
    goals: {size: 45%, macs: 75%, latency: 100%, mAP: 0.1}
    """

  private static let state = """
    {"schemaVersion": 1, "key": "abc", "calibration": {"images": 4, "values": {"x": {"lowest": -1.5, "highest": 3,
     "bins": [1, 2, 3]}}}}
    """
}
