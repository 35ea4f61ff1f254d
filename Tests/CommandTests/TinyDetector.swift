import Formats
import Foundation
import GraphIR
import ObjectDetection
import Tensors
import TestSupport

/// A detector of 32×32 images that finds the square in the middle of white ones, and images of that
/// kind.
///
/// The decoded outputs `[1, 6, 21]` are of the YOLOv8 kind with two classes. All boxes come from a
/// bias; the score of class 0 comes from the weights of `score`, so zeroing these blinds the
/// detector.
enum TinyDetector {
  /// The layers that pruning may touch by default, with their numbers of weights.
  static let open = ["middle.weight": 512, "last.weight": 1024]

  /// The network with seeded weights, every one distinct from zero.
  static func graph(seed: UInt64 = 1) -> Graph {
    var random = SplitMix64(seed: seed)
    var graph = Graph(
      name: "tiny",
      inputs: [ValueInfo(name: "images", type: ValueType(TensorType(.float32, [1, 3, 32, 32])))],
      outputs: [ValueInfo(name: "output", type: ValueType(TensorType(.float32, [1, 6, 21])))])
    func constant(_ name: String, _ shape: [Int], _ range: Range<Float>, signed: Bool = true) {
      let values = (0..<shape.reduce(1, *)).map { _ in
        Float.random(in: range, using: &random)
          * (signed && Bool.random(using: &random) ? -1 : 1)
      }
      graph[constant: name] = Tensor(values, shape: shape)
    }
    var value = "images"
    for (name, shape) in [
      ("stem", [8, 3, 2, 2]), ("middle", [16, 8, 2, 2]), ("last", [16, 16, 2, 2]),
    ] {
      constant(name + ".weight", shape, 0.001..<0.01)
      graph[constant: name + ".bias"] = Tensor(
        [Float](repeating: 1, count: shape[0]), shape: [shape[0]])
      graph.addConvolution(name, of: value, to: name, stride: 2)
      graph.nodes.append(Node("Relu", name: name + ".relu", inputs: [name], outputs: [name + ".y"]))
      value = name + ".y"
    }
    constant("box.weight", [4, 16, 1, 1], 0.0001..<0.001)
    graph[constant: "box.bias"] = Tensor([Float](repeating: 16, count: 4), shape: [4])
    let scores = (0..<32).map { Float($0 < 16 ? 5 : -5) + Float($0) / 100 }
    graph[constant: "score.weight"] = Tensor(scores, shape: [2, 16, 1, 1])
    graph[constant: "score.bias"] = Tensor([Float(-20), -20], shape: [2])
    graph.addHeads(to: value)
    return graph
  }

  /// Writes the network as an ONNX file.
  @discardableResult
  static func write(
    to folder: URL, as name: String = "tiny.onnx", _ edit: (inout Graph) -> Void = { _ in }
  ) throws -> URL {
    var graph = graph()
    edit(&graph)
    let url = folder.appending(path: name)
    try ModelFile.save(graph, to: url)
    return url
  }
}

/// White images with a labelled square in the middle, in YOLO's layout.
enum TinyImages {
  /// Writes `data.yaml`, images and labels, and returns the path of the YAML file.
  @discardableResult
  static func write(to folder: URL, count: Int = 3) throws -> URL {
    for name in ["images/val", "labels/val"] {
      try FileManager.default.createDirectory(
        at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    let white = PixelBuffer(
      width: 32, height: 32, pixels: [UInt8](repeating: 255, count: 3 * 32 * 32))
    for index in 0..<count {
      try ImageFile.encode(white, as: "image.png").write(
        to: folder.appending(path: "images/val/\(index).png"))
      try Data("0 0.5 0.5 0.5 0.5\n".utf8).write(
        to: folder.appending(path: "labels/val/\(index).txt"))
    }
    let yaml = folder.appending(path: "data.yaml")
    try Data("path: .\nval: images/val\nnames: [class0, class1]\n".utf8).write(to: yaml)
    return yaml
  }
}

extension Graph {
  fileprivate mutating func addConvolution(
    _ name: String, of input: String, to output: String, stride: Int = 1
  ) {
    nodes.append(
      Node(
        "Conv", name: output, inputs: [input, name + ".weight", name + ".bias"],
        outputs: [output], attributes: ["strides": .ints([stride, stride])]))
  }

  /// Boxes and scores at 4×4, 2×2 and 1×1 cells by the same weights, side by side.
  fileprivate mutating func addHeads(to features: String) {
    var (map, parts) = (features, [String]())
    self[constant: "flat"] = Tensor([Int64(1), 6, -1], shape: [3])
    for level in 0..<3 {
      addConvolution("box", of: map, to: "box\(level)")
      addConvolution("score", of: map, to: "logit\(level)")
      nodes += [
        Node(
          "Sigmoid", name: "sigmoid\(level)", inputs: ["logit\(level)"], outputs: ["score\(level)"]),
        Node(
          "Concat", name: "join\(level)", inputs: ["box\(level)", "score\(level)"],
          outputs: ["joined\(level)"], attributes: ["axis": .int(1)]),
        Node(
          "Reshape", name: "flatten\(level)", inputs: ["joined\(level)", "flat"],
          outputs: ["cells\(level)"]),
      ]
      parts.append("cells\(level)")
      guard level < 2 else { break }
      nodes.append(
        Node(
          "AveragePool", name: "pool\(level)", inputs: [map], outputs: ["pooled\(level)"],
          attributes: ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])]))
      map = "pooled\(level)"
    }
    nodes.append(
      Node(
        "Concat", name: "output", inputs: parts, outputs: ["output"],
        attributes: ["axis": .int(2)]))
  }
}
