import Formats
import Foundation

/// How ONNX comes of model files of other programs.
enum ExportAdvice {
  /// What to do with a file of a kind, as the end of a sentence.
  static func text(_ kind: ForeignModel.Kind, file: String) -> String {
    let url = URL(filePath: file)
    let (name, stem) = (url.lastPathComponent, url.deletingPathExtension().lastPathComponent)
    return switch kind {
    case .pyTorch, .torchScript:
      "export it with the program that trained it: 'yolo export model=\(name) format=onnx' for Ultralytics, "
        + "'python export.py --weights \(name) --include onnx' for YOLOv5, else torch.onnx.export in Python"
    case .keras: convert("--keras \(name) --output \(stem).onnx")
    case .tensorFlowLite: convert("--tflite \(name) --output \(stem).onnx")
    case .tensorFlow: convert("--saved-model FOLDER --output \(stem).onnx")
    case .tensorRT: "it was built from an ONNX file and does not go back: give that one"
    case .runtimeBuffer, .openVINO:
      "it was made of another file, mostly ONNX, and does not go back: give that one"
    case .darknet:
      "convert .cfg and .weights together, with 'python demo_darknet2onnx.py \(stem).cfg names.txt \(stem).weights "
        + "image.jpg 1' of pytorch-YOLOv4"
    case .ncnn, .coreML: "it does not go back: give the ONNX or PyTorch file it was made of"
    case .chip: "it does not go back: give the ONNX file it was made of"
    case .paddle:
      "convert it: 'paddle2onnx --model_dir . --model_filename \(stem).pdmodel --params_filename \(stem).pdiparams "
        + "--save_file \(stem).onnx'"
    case .safetensors: "build the network in Python, load them and call torch.onnx.export"
    case .caffe: "convert it to ONNX with caffe2onnx or MMdnn"
    case .archive: "unpack it and give the model that is in it"
    case .image: "the model comes before images"
    }
  }

  private static func convert(_ words: String) -> String {
    "convert it: 'python -m tf2onnx.convert \(words)'"
  }
}
