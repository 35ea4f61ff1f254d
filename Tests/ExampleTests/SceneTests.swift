import Foundation
import ObjectDetection
import TestSupport
import Testing

import ToyDetector

@Suite struct SceneTests {
  @Test func aSeedAlwaysRendersTheSameScene() {
    #expect(Scene(seed: 5) == Scene(seed: 5))
    #expect(Scene(seed: 5) != Scene(seed: 6))
  }

  @Test func objectsLieInsideTheSceneAndApart() {
    for seed in 0..<50 {
      let objects = Scene(seed: UInt64(seed)).objects
      #expect(!objects.isEmpty)
      for (index, object) in objects.enumerated() {
        #expect(object.left >= 0 && object.right <= Float(Scene.side), "seed \(seed)")
        #expect(!objects[(index + 1)...].contains { $0.overlaps(object) }, "seed \(seed)")
      }
    }
  }

  @Test func noHeldOutSceneIsFittedTo() {
    let (training, validation) = Scene.split(seed: 3, training: 20, validation: 10)
    #expect(training.count == 20 && validation.count == 10)
    #expect(validation.allSatisfy { !training.contains($0) })
  }

  @Test func aWrittenDataSetReadsBackWithItsBoxes() throws {
    let folder = try TemporaryFolder()
    let (training, validation) = Scene.split(seed: 4, training: 2, validation: 3)
    try SceneDataset.write(training: training, validation: validation, to: folder.url)
    let dataset = try Dataset.load(folder.url.appending(path: "data.yaml"))
    #expect(dataset.images.count == 3)
    #expect(dataset.categories.map(\.name) == Scene.Shape.allCases.map(\.name))
    for (index, scene) in validation.enumerated() {
      #expect(try ImageFile.load(dataset.images[index].file) == scene.image)
      let read = dataset.annotations.filter { $0.image == index }
      #expect(read.map(\.category) == scene.objects.map(\.shape.rawValue))
      for (box, object) in zip(read, scene.objects) {
        #expect(abs(box.x - Double(object.left)) < Double(Scene.side) * Tolerance.rounding.bound)
        #expect(
          abs(box.y + box.height - Double(object.bottom)) < Double(Scene.side)
            * Tolerance.rounding.bound)
      }
    }
  }
}
