/// An input beside the image that detectors of some kind have, whose value follows from the
/// image's.
struct KnownInput: Sendable {
  var name: String
  /// What the value means, for people.
  var meaning: String
  /// The value for one image.
  var value: @Sendable (ImageInput) -> [Int]

  /// Every one, in the order of help texts.
  ///
  /// Boxes then are in pixels of the network's input, as heads are read; how an image was fitted
  /// into it is undone later.
  static let all: [KnownInput] = [
    KnownInput(
      name: "scale_factor", meaning: "rows and columns are not scaled (PaddleDetection)",
      value: { _ in [1, 1] }),
    KnownInput(
      name: "im_shape", meaning: "rows and columns of the input (PaddleDetection)",
      value: { [$0.height, $0.width] }),
    KnownInput(
      name: "image_shape", meaning: "rows and columns of the input (YOLOv3 of the ONNX Model Zoo)",
      value: { [$0.height, $0.width] }),
    KnownInput(
      name: "orig_target_sizes", meaning: "columns and rows of the input (RT-DETR, D-FINE)",
      value: { [$0.width, $0.height] }),
  ]
}
