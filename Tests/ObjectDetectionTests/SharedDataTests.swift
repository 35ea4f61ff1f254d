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

  @Test func cocoAndYOLOLabelsOfTheSameImagesAgree() throws {
    let shared = SharedAssets.root.appending(path: "datasets/coco_val_128")
    let coco = try Dataset.load(shared)
    let files = try DatasetFiles()
    for (link, target) in [("images", "images"), ("labels", "val2017")] {
      try FileManager.default.createSymbolicLink(
        at: files.url.appending(path: link),
        withDestinationURL: shared.appending(path: target).standardizedFileURL)
    }
    let names = coco.categories.map { "\"\($0.name)\"" }.joined(separator: ", ")
    try files.write("data.yaml", "val: images\nnames: [\(names)]")
    let yolo = try Dataset.load(files.url)
    #expect(yolo.images.map(\.id) == coco.images.map(\.id))
    // The text format has no crowds.
    let labels = coco.annotations.filter { !$0.isCrowd }
    #expect(yolo.annotations.count == labels.count)
    let byImage = Dictionary(grouping: yolo.annotations, by: \.image)
    for label in labels {
      let index = coco.categories.firstIndex { $0.id == label.category } ?? -1
      let nearest =
        (byImage[label.image] ?? []).filter { $0.category == index }.map { other in
          let differences = [
            other.x - label.x, other.y - label.y, other.width - label.width,
            other.height - label.height,
          ]
          return differences.map(abs).max() ?? .infinity
        }.min() ?? .infinity
      #expect(nearest < Tolerance.boxEdge.bound, "annotation \(label.id)")
    }
  }

  /// The JSON of this set keeps VOC's corners as they stand; our VOC reader counts pixels from 0.
  @Test func vocAndCOCOLabelsOfTheSameImagesAgree() throws {
    let folder = SharedAssets.root.appending(path: "datasets/bccd")
    let coco = try Dataset.load(folder)
    var voc: [String] = []
    for split in ["train", "val", "test"] {
      voc += try VOCFormat.load(folder, split: split).labels
    }
    var shifted = coco
    for index in shifted.annotations.indices {
      shifted.annotations[index].x -= 1
      shifted.annotations[index].y -= 1
    }
    #expect(voc.sorted() == shifted.labels.sorted())
    #expect(coco.annotations.filter { $0.width * $0.height == 0 }.count == 2)
  }
}
