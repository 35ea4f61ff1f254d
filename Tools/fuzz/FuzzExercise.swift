import Execution
import Formats
import Foundation
import GraphIR
import Compression
import ObjectDetection
import Operators
import Prune
import Quantize
import Tensors

/// What the verbs do with a file, without the process around them.
package struct FuzzExercise {
  /// The folder for files that are read by their place.
  let folder: URL
  let seeds: FuzzSeeds
  private let coupling: ChannelCoupling

  /// The files that a data set needs beside the damaged one.
  package init(folder: URL, seeds: FuzzSeeds) throws {
    (self.folder, self.seeds) = (folder, seeds)
    coupling = try ChannelCoupling(seeds.detector, registry: .standard)
    let picture = seeds.files[.png]?.first ?? Data()
    for name in ["coco", "voc/JPEGImages", "voc/Annotations", "yolo/images", "yolo/labels"] {
      try FileManager.default.createDirectory(
        at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    for name in ["coco/a.png", "voc/JPEGImages/a.png", "yolo/images/a.png"] {
      try picture.write(to: folder.appending(path: name))
    }
    try Data("path: .\ntrain: images\nval: images\nnames: [a, b]\n".utf8)
      .write(to: folder.appending(path: "yolo/data.yaml"))
  }

  /// Reads and uses a file.
  ///
  /// - Throws: What a verb would tell its user.
  package func run(_ input: FuzzInput) throws {
    switch input.kind {
    case .onnx: try model(try ONNXFormat.parse(input.data, file: "input"), input.variant)
    case .hdf5: try model(try HDF5Format.parse(input.data, file: "input"), input.variant)
    case .npy: _ = try NPYFormat.parse([UInt8](input.data), file: "input")
    case .coco: try dataset(input, "coco/annotations.json", in: "coco/annotations.json")
    case .voc: try dataset(input, "voc/Annotations/a.xml", in: "voc")
    case .yolo: try dataset(input, "yolo/labels/a.txt", in: "yolo/data.yaml")
    case .head:
      let file = folder.appending(path: "head.yaml")
      try input.data.write(to: file)
      try head(try HeadSettings.load(file))
    case .plan:
      try plan(input.data)
    case .jpeg, .png:
      let image = try ImageFile.decode(input.data, file: "input")
      _ = Resampling.bilinear(image, width: 32, height: 32)
    case .recipe, .state: return
    }
  }

  /// `inspect`, `convert`, `compare`, and by turns the beginnings of `prune` and `quantize`.
  private func model(_ graph: Graph, _ variant: Int) throws {
    try graph.verify()
    let bytes = try ONNXFormat.serialize(graph)
    _ = try ONNXFormat.parse(bytes, file: "copy")
    if variant % 8 == 0 { _ = try? HDF5Format.serialize(graph) }
    _ = try ModelCost(graph, registry: .standard, passes: StandardRewrites.inference)
    switch variant % 6 {
    case 0: _ = try? ChannelCoupling(graph, registry: .standard)
    case 1:
      if let float = try? graph.preparedForQuantization(registry: .standard) {
        _ = QuantizationSites(float, registry: .standard)
      }
    case 2: _ = try? PruningRequest().plan(for: graph, registry: .standard)
    default: break
    }
    let session = try Session(
      graph, registry: .standard,
      options: SessionOptions(threads: 1, passes: StandardRewrites.inference))
    session.fillInputs(seed: UInt64(variant))
    try session.run()
    for name in session.outputNames { _ = session.output(name)?.byteCount }
  }

  /// A plan of the kind that its keys tell, up to what is shown of it.
  private func plan(_ data: Data) throws {
    let decoder = JSONDecoder()
    let text = String(decoding: data, as: UTF8.self)
    if text.contains("\"channel\"") {
      let plan = try decoder.decode(ChannelPlan.self, from: data)
      _ = try plan.groups(of: coupling)
      _ = plan.channelRatio
    } else if text.contains("\"scheme\"") {
      let plan = try decoder.decode(QuantizationPlan.self, from: data)
      _ = (plan.scheme.weightLimit, plan.scheme.maySaturate, plan.reasons)
      for value in plan.activations { _ = plan.scheme.activation(value.range) }
    } else {
      let plan = try decoder.decode(PruningPlan.self, from: data)
      _ = try plan.applied(to: seeds.detector, registry: .standard)
      _ = plan.sparsity
    }
  }

  private func dataset(_ input: FuzzInput, _ file: String, in place: String) throws {
    try input.data.write(to: folder.appending(path: file))
    let dataset = try Dataset.load(folder.appending(path: place))
    _ = dataset.holdingOut(0.5, seed: 1)
    for image in dataset.images.prefix(4) { _ = image.file.lastPathComponent }
  }

  /// The preprocessing that settings ask for.
  private func head(_ settings: HeadSettings) throws {
    guard let data = seeds.files[.png]?.first else { return }
    let image = try ImageFile.decode(data, file: "image")
    var configuration = HeadConfiguration(family: settings.family ?? "yolov8", classes: ["a"])
    settings.apply(to: &configuration)
    var input = [Float](repeating: 0, count: 3 * 32 * 32)
    input.withUnsafeMutableBufferPointer { memory in
      guard let base = memory.baseAddress else { return }
      _ = configuration.preprocessing.apply(image, width: 32, height: 32, to: base)
    }
  }
}
