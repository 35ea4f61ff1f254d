import Formats
import Foundation
import ObjectDetection

/// Scenes as a YOLO data set: `data.yaml`, and images and labels of a training and a validation split.
public enum SceneDataset {
  /// Writes both splits into `folder`; no seed occurs in both.
  ///
  /// - Throws: `ImageError`, and `FormatError` when the system refuses.
  public static func write(training: [Scene], validation: [Scene], to folder: URL) throws {
    for (split, scenes) in [("train", training), ("val", validation)] {
      for (index, scene) in scenes.enumerated() {
        let stem = "scene-" + String("00000\(index + 1)".suffix(5))
        try AtomicFile.write(
          try ImageFile.encode(scene.image, as: "png"),
          to: folder.appending(path: "images/\(split)/\(stem).png"))
        try AtomicFile.write(
          Data(labels(scene).utf8), to: folder.appending(path: "labels/\(split)/\(stem).txt"))
      }
    }
    let names = Scene.Shape.allCases.map { "  \($0.rawValue): \($0.name)\n" }.joined()
    let index = "train: images/train\nval: images/val\nnames:\n\(names)"
    try AtomicFile.write(Data(index.utf8), to: folder.appending(path: "data.yaml"))
  }

  /// One line an object: class, centre and size, relative to the image.
  static func labels(_ scene: Scene) -> String {
    let side = Float(Scene.side)
    return scene.objects.map { object in
      let numbers = [object.centre.x, object.centre.y, object.width, object.height]
      return "\(object.shape.rawValue) "
        + numbers.map { "\($0 / side)" }.joined(separator: " ") + "\n"
    }.joined()
  }
}
