/// The kinds of files that the tool reads.
package enum FuzzKind: String, CaseIterable, Codable {
  case onnx, hdf5, npy, coco, voc, yolo, head, plan, jpeg, png, recipe, state

  /// How many of a hundred inputs are of the kind.
  package var share: Int {
    switch self {
    case .onnx: 60
    case .hdf5: 8
    case .npy, .voc, .yolo, .head, .plan: 3
    case .coco: 5
    case .jpeg, .png: 6
    // What only the binary reads.
    case .recipe, .state: 0
    }
  }

  /// The ending of its files' names.
  var ending: String {
    switch self {
    case .onnx: "onnx"
    case .hdf5: "h5"
    case .npy: "npy"
    case .coco, .plan, .state: "json"
    case .voc: "xml"
    case .yolo: "txt"
    case .head, .recipe: "yaml"
    case .jpeg: "jpg"
    case .png: "png"
    }
  }

  /// The kind that a number below a hundred stands for.
  static func of(_ number: Int) -> FuzzKind {
    var rest = number
    return allCases.first { kind in
      rest -= kind.share
      return rest < 0
    } ?? .onnx
  }
}
