import Foundation

/// A kind of model file that other programs write, which is not read here.
public struct ForeignModel: Sendable {
  /// The kinds that are told apart.
  public enum Kind: String, Sendable, CaseIterable {
    case torchScript, pyTorch, keras, tensorFlowLite, tensorFlow, tensorRT, runtimeBuffer, darknet
    case openVINO, ncnn, coreML, paddle, safetensors, caffe, chip, archive, image
  }

  /// The kind.
  public var kind: Kind
  /// What it is: "a PyTorch checkpoint".
  public var name: String
  /// The suffixes of its files.
  public var endings: [String]
  /// Whether bytes begin like one.
  private var matches: @Sendable (Data) -> Bool

  private init(
    _ kind: Kind, _ name: String, _ endings: [String],
    matches: @escaping @Sendable (Data) -> Bool = { _ in false }
  ) {
    (self.kind, self.name, self.endings, self.matches) = (kind, name, endings, matches)
  }

  /// The kind that bytes are of; `nil` for none that is known.
  public static func of(_ data: Data) -> ForeignModel? { all.first { $0.matches(data) } }

  /// The kind that a suffix stands for; `nil` for none that is known.
  public static func named(by url: URL) -> ForeignModel? {
    let ending = url.pathExtension.lowercased()
    return all.first { $0.endings.contains(ending) }
  }

  /// The error for a file of the kind.
  func error(for url: URL) -> FormatError {
    var error = FormatError(.badData, file: url.path, reason: "is \(name), not ONNX or HDF5")
    error.foreign = kind
    return error
  }

  /// Whether bytes hold a text at an offset.
  private static func text(_ text: String, at offset: Int = 0) -> @Sendable (Data) -> Bool {
    { data in data.dropFirst(offset).prefix(text.utf8.count).elementsEqual(text.utf8) }
  }

  private static let zip: [UInt8] = [0x50, 0x4b, 0x03, 0x04]

  private static func isZIP(holding name: String) -> @Sendable (Data) -> Bool {
    { data in
      data.starts(with: zip) && data.prefix(4096).range(of: Data(name.utf8)) != nil
    }
  }

  /// Whether bytes begin like a pickle of protocol 2 to 5.
  private static func isPickle(_ data: Data) -> Bool {
    data.count > 1 && data[data.startIndex] == 0x80 && (2...5).contains(data[data.startIndex + 1])
  }

  /// Every kind that is known; archives of a kind come before archives.
  public static let all: [ForeignModel] = [
    .init(
      .torchScript, "a TorchScript archive", ["torchscript", "ptl"],
      matches: isZIP(holding: "constants.pkl")),
    .init(
      .pyTorch, "a PyTorch checkpoint", ["pt", "pth", "ckpt"],
      matches: { isZIP(holding: "data.pkl")($0) || isPickle($0) }),
    .init(
      .keras, "a Keras archive", ["keras"], matches: isZIP(holding: "model.weights.h5")),
    .init(
      .tensorFlowLite, "a TensorFlow Lite model", ["tflite"], matches: text("TFL3", at: 4)),
    .init(.tensorFlow, "a TensorFlow graph", ["pb", "pbtxt"]),
    .init(.tensorRT, "a TensorRT engine", ["engine", "plan", "trt"], matches: text("ftrt")),
    .init(.runtimeBuffer, "an ONNX Runtime flatbuffer", ["ort"], matches: text("ORTM", at: 4)),
    .init(.darknet, "a file of Darknet", ["weights", "cfg"]),
    .init(
      .openVINO, "a file of OpenVINO's", ["xml"],
      matches: { text("<?xml")($0) && $0.prefix(512).range(of: Data("<net ".utf8)) != nil }),
    .init(.ncnn, "a file of ncnn", ["param"], matches: text("7767517")),
    .init(.coreML, "a Core ML model", ["mlmodel", "mlpackage"]),
    .init(.paddle, "a Paddle model", ["pdmodel", "pdparams"]),
    .init(.safetensors, "a file of weights without a network", ["safetensors"]),
    .init(.caffe, "a Caffe model", ["caffemodel", "prototxt"]),
    .init(.chip, "a model for one chip", ["rknn", "hef", "blob", "kmodel", "mnn"]),
    .init(
      .archive, "an archive", ["zip", "gz", "tgz"],
      matches: { $0.starts(with: zip) || $0.starts(with: [0x1f, 0x8b]) }),
    .init(
      .image, "an image", ["jpg", "jpeg", "png", "bmp", "webp"],
      matches: {
        $0.starts(with: [0xff, 0xd8, 0xff]) || $0.starts(with: [0x89, 0x50, 0x4e, 0x47])
      }),
  ]
}
