import Foundation
import ObjectDetection
import Tensors
import TestSupport
import Testing

/// Real data sets and reference figures.
@Suite(.enabled(if: SharedAssets.isPresent, "../shared is absent"))
struct SharedDataTests {
  @Test func theTwelveNumbersAreThoseOfPycocotools() throws {
    let folder = SharedAssets.root.appending(path: "map_golden")
    let dataset = try COCOFormat.load(
      annotations: folder.appending(path: "ground_truth.json"))
    let records = try COCOFormat.loadResults(folder.appending(path: "detections.json"))
    let expected = try JSONDecoder().decode(
      CocoSummary.self, from: Data(contentsOf: folder.appending(path: "expected.json")))
    let evaluation = CocoEvaluation(
      dataset, detections: records, pool: ThreadPool(threads: 2))
    for (name, (ours, theirs)) in zip(
      CocoSummary.names, zip(evaluation.summary.values, expected.values))
    {
      #expect(abs(ours - theirs) <= Tolerance.metric.bound, "\(name): \(ours) against \(theirs)")
    }
  }

  @Test(arguments: [
    ("coco_val_128", 128, 899, 80), ("coco_train_128", 128, 929, 80), ("bccd", 364, 4888, 3),
  ])
  func cocoFoldersAreReadWhole(name: String, images: Int, boxes: Int, classes: Int) throws {
    let dataset = try Dataset.load(SharedAssets.root.appending(path: "datasets/\(name)"))
    #expect(dataset.images.count == images)
    #expect(dataset.annotations.count == boxes)
    #expect(dataset.categories.count == classes)
    for image in dataset.images {
      let size = try ImageFile.size(of: image.file)
      #expect(size.width == image.width && size.height == image.height)
    }
  }

  @Test func everySharedImageDecodes() throws {
    for name in ["coco_val_128", "coco_train_128"] {
      let dataset = try Dataset.load(SharedAssets.root.appending(path: "datasets/\(name)"))
      for image in dataset.images {
        let pixels = try ImageFile.load(image.file)
        #expect(pixels.width == image.width && pixels.height == image.height)
      }
    }
  }
}
