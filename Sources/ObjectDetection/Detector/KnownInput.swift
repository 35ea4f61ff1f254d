/// An input beside the image that some detectors have.
///
/// Its value follows from the image input.
struct KnownInput: Sendable {
  var name: String
  /// The meaning of the value, for people.
  var meaning: String
  /// The value for one image.
  var value: @Sendable (ImageInput) -> [Int]

  /// All known inputs, in the order of help texts.
  ///
  /// With these values boxes are in pixels of the network's input, as heads need them. How the
  /// image was fitted into the input is undone later.
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
