import Formats
import Foundation
import TestSupport
import Testing

/// Files that are no models of ours are named for what they are, with what to do.
@Suite struct ForeignModelTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: folder.url.appending(path: name))
  }

  /// A ZIP archive that begins with a file of a name.
  private static func archive(_ name: String) -> [UInt8] {
    [0x50, 0x4b, 3, 4] + Array(repeating: 0, count: 22) + [UInt8(name.utf8.count), 0, 0, 0]
      + Array(name.utf8) + Array(repeating: 0, count: 64)
  }

  private static let zeros = [UInt8](repeating: 0, count: 200)

  static let cases: [(name: String, bytes: [UInt8], says: [String])] = [
    ("yolo.pt", archive("archive/data.pkl"), ["a PyTorch checkpoint", "format=onnx"]),
    ("model.onnx", archive("best/data.pkl"), ["a PyTorch checkpoint", "torch.onnx.export"]),
    ("old.pth", [0x80, 2, 0x8a, 10, 0x6c, 0xfc], ["a PyTorch checkpoint"]),
    ("a.torchscript", archive("a/constants.pkl"), ["a TorchScript archive"]),
    (
      "a.tflite", [0x1c, 0, 0, 0] + Array("TFL3".utf8) + zeros,
      ["tf2onnx.convert --tflite a.tflite"]
    ),
    ("a.engine", Array("ftrt".utf8) + zeros, ["a TensorRT engine", "give that one"]),
    ("yolov4.weights", zeros, ["a file of Darknet", "yolov4.cfg"]),
    ("a.pb", zeros, ["a TensorFlow graph", "--saved-model"]),
    ("a.param", Array("7767517\n100 120\n".utf8), ["ncnn"]),
    ("a.safetensors", zeros, ["weights without a network"]),
    ("street.jpg", [0xff, 0xd8, 0xff, 0xe0] + zeros, ["an image"]),
  ]

  @Test(arguments: cases.indices) func aFileIsNamedForWhatItIs(row: Int) throws {
    let (name, bytes, says) = Self.cases[row]
    try write(bytes, name)
    for verb in ["inspect", "benchmark", "prune"] {
      let run = try Binary.run([verb, name], in: folder.url)
      #expect(run.status == 65)
      for text in [name] + says { #expect(run.errors.contains(text), "\(run.errors)") }
    }
  }

  @Test func aDamagedModelKeepsItsReason() throws {
    try write([8, 8, 0xff, 0xff], "m.onnx")
    let run = try Binary.run(["inspect", "m.onnx"], in: folder.url)
    #expect(run.status == 65 && run.errors.contains("is not an ONNX model"), "\(run.errors)")
  }

  @Test(arguments: ["prune", "lowrank", "quantize", "distill"])
  func anEndingOfNoFormatIsRefused(verb: String) throws {
    try TinyDetector.write(to: folder.url)
    let start =
      verb == "distill"
      ? [
        verb, "--teacher", "tiny.onnx", "--student", "tiny.onnx", "--epochs", "1", "--data", "x",
      ]
      : [verb, "tiny.onnx"] + (verb == "quantize" ? ["--data-free"] : [])
    let run = try Binary.run(start + ["-o", "x.txt"], in: folder.url)
    #expect(run.status == 64)
    #expect(
      run.errors.contains("--output x.txt must end in one of .onnx, .h5, .hdf5"), "\(run.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["tiny.onnx"])
  }
}
