import Foundation
import ObjectDetection
import Tensors
import Testing

@Suite struct BatchLoaderTests {
  private static let dataset = Dataset.synthetic(
    count: 5, seed: 7, size: 64, pool: ThreadPool(threads: 2))

  private func loader(
    _ augmentation: Augmentation, batchSize: Int = 4, epochs: Int = 10, size: Int = 64,
    fit: Preprocessing.Fit = .letterboxCentre, dataset: Dataset = dataset
  ) throws -> BatchLoader {
    try BatchLoader(
      dataset, classes: SyntheticScene.classNames, preprocessing: Preprocessing(fit: fit),
      width: size, height: size, batchSize: batchSize, augmentation: augmentation,
      epochs: epochs, seed: 5)
  }

  @Test(arguments: Augmentation.presetNames)
  func aBatchDependsOnEpochAndIndexAlone(preset: String) throws {
    let augmentation = try #require(Augmentation.named(preset))
    let first = try loader(augmentation)
    let second = try loader(augmentation)
    #expect(first.batchesPerEpoch == 2)
    let forwards = try (0..<4).map { try first.batch(epoch: $0 / 2, index: $0 % 2) }
    for place in (0..<4).reversed() {
      let again = try second.batch(epoch: place / 2, index: place % 2)
      #expect(again.images == forwards[place].images)
      #expect(again.targets == forwards[place].targets)
    }
    #expect(forwards[0].imageIndices != forwards[2].imageIndices)
  }

  @Test func anEpochVisitsEveryImageAndFillsTheLastBatch() throws {
    let loader = try loader(.none)
    let seen = try (0..<2).flatMap { try loader.batch(epoch: 3, index: $0).imageIndices }
    #expect(seen.count == 8)
    #expect(Set(seen) == Set(0..<5))
    #expect(Array(seen[5...]) == Array(seen[..<3]))
  }

  @Test(arguments: [Preprocessing.Fit.stretch, .letterboxCentre, .letterboxTopLeft], [48, 64, 96])
  func withoutAugmentationImagesAreAsEvaluationSeesThem(fit: Preprocessing.Fit, size: Int) throws {
    let loader = try loader(.none, batchSize: 1, size: size, fit: fit)
    let batch = try loader.batch(epoch: 0, index: 0)
    let image = Self.dataset.images[batch.imageIndices[0]]
    var expected = [Float](repeating: 0, count: 3 * size * size)
    let pixels = try image.source.load()
    expected.withUnsafeMutableBufferPointer { target in
      if let base = target.baseAddress {
        _ = Preprocessing(fit: fit).apply(pixels, width: size, height: size, to: base)
      }
    }
    let worst = zip(batch.images, expected).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    // Both round to whole steps of 1/255 on the way.
    #expect(worst < 1.6 / 255)
  }

  @Test func boxesFollowTheirPixels() throws {
    // One white rectangle on black tells where it went.
    var pixels = [UInt8](repeating: 0, count: 80 * 60 * 3)
    for row in 20..<40 {
      for column in 30..<60 {
        for channel in 0..<3 { pixels[(row * 80 + column) * 3 + channel] = 255 }
      }
    }
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "one.png")
    try ImageFile.encode(PixelBuffer(width: 80, height: 60, pixels: pixels), as: "one.png").write(
      to: file)
    let dataset = Dataset(
      format: "test", source: folder, categories: [.init(id: 1, name: "disc")],
      images: [.init(id: 1, file: file)],
      annotations: [.init(id: 1, image: 0, category: 1, x: 30, y: 20, width: 30, height: 20)])
    var augmentation = Augmentation.light
    (augmentation.hue, augmentation.saturation, augmentation.brightness) = (0, 0, 0)
    let loader = try BatchLoader(
      dataset, classes: ["disc"], preprocessing: Preprocessing(pad: 0), width: 96, height: 96,
      batchSize: 1, augmentation: augmentation, epochs: 9, seed: 2)
    for epoch in 0..<8 {
      let batch = try loader.batch(epoch: epoch, index: 0)
      let bright = (0..<96 * 96).filter { batch.images[$0] > 0.5 }
      let box = try #require(batch.targets[0].first).box
      let (columns, rows) = (bright.map { $0 % 96 }, bright.map { $0 / 96 })
      let edges = [columns.min(), rows.min(), columns.max(), rows.max()].map { Double($0 ?? 0) }
      for (edge, expected) in zip(edges, [box.left, box.top, box.right - 1, box.bottom - 1]) {
        #expect(abs(edge - expected) <= 1.01, "epoch \(epoch): \(edges) against \(box)")
      }
    }
  }

  @Test func theLastEpochsGoWithoutMosaic() {
    let augmentation = Augmentation.standard
    #expect(augmentation.inForce(epoch: 89, of: 100).mosaic > 0)
    #expect(augmentation.inForce(epoch: 90, of: 100).mosaic == 0)
    #expect(augmentation.inForce(epoch: 90, of: 100).flip == augmentation.flip)
  }

  @Test func anImageThatCannotBeReadIsNamed() throws {
    let dataset = Dataset(
      format: "test", source: URL(filePath: "/"), categories: [.init(id: 1, name: "disc")],
      images: [.init(id: 1, file: URL(filePath: "/no/such/picture.png"))],
      annotations: [.init(id: 1, image: 0, category: 1, x: 1, y: 1, width: 9, height: 9)])
    let loader = try loader(.none, dataset: dataset)
    #expect(throws: ImageError.missing("/no/such/picture.png")) {
      try loader.batch(epoch: 0, index: 0)
    }
  }
}

@Suite struct SyntheticSceneTests {
  @Test func equalSeedsGiveEqualPixelsAndOthersDoNot() throws {
    let scene = ImageSource.scene(SyntheticScene(seed: 1, index: 4, size: 64))
    #expect(try scene.load() == scene.load())
    for other in [
      SyntheticScene(seed: 2, index: 4, size: 64), SyntheticScene(seed: 1, index: 5, size: 64),
    ] {
      #expect(try ImageSource.scene(other).load() != scene.load())
    }
  }

  @Test func scenesHoldObjectsOfEveryClassAndOfStronglyVaryingSize() {
    let dataset = Dataset.synthetic(count: 200, seed: 1, size: 160, pool: ThreadPool(threads: 2))
    for category in dataset.categories {
      #expect(dataset.annotations.count { $0.category == category.id } > 40, "\(category.name)")
    }
    let sides = dataset.annotations.map { ($0.width * $0.height).squareRoot() }.sorted()
    #expect(sides[0] < 12 && sides[sides.count - 1] > 80)
    #expect(
      dataset.annotations.allSatisfy {
        $0.x >= 0 && $0.y >= 0 && $0.x + $0.width <= 160 && $0.y + $0.height <= 160
      })
  }

  @Test func threadsDoNotChangeTheLabels() {
    let one = Dataset.synthetic(count: 20, seed: 3, size: 64, pool: ThreadPool(threads: 1))
    let three = Dataset.synthetic(count: 20, seed: 3, size: 64, pool: ThreadPool(threads: 3))
    #expect(one.annotations == three.annotations)
  }
}

@Suite struct PackFormatTests {
  private func packed() throws -> (Dataset, Dataset, URL) {
    let dataset = Dataset.synthetic(count: 4, seed: 7, size: 48, pool: ThreadPool(threads: 1))
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).h5")
    try PackFormat.save(dataset, to: file)
    return (dataset, try Dataset.load(file), file)
  }

  @Test func aPackHoldsImagesAndLabels() throws {
    let (dataset, pack, file) = try packed()
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(pack.categories == dataset.categories)
    #expect(pack.annotations == dataset.annotations)
    #expect(pack.images.map(\.id) == dataset.images.map(\.id))
    for (image, original) in zip(pack.images, dataset.images) {
      #expect(try image.source.load() == original.source.load())
    }
  }

  @Test func aDamagedPackIsRefused() throws {
    let (_, _, file) = try packed()
    defer { try? FileManager.default.removeItem(at: file) }
    let whole = try Data(contentsOf: file)
    var random = CounterRandom(seed: 1)
    for trial in 0..<60 {
      var data = whole
      if trial % 2 == 0 {
        data = data.prefix(Int.random(in: 0..<data.count, using: &random))
      } else {
        data[Int.random(in: 0..<data.count, using: &random)] ^=
          1 << UInt8.random(in: 0..<8, using: &random)
      }
      try data.write(to: file)
      #expect(throws: (any Error).self) { try Dataset.load(file) }
    }
  }
}
