import Tensors

/// Makes the batch of an epoch and index: chooses images, augments them and writes the network's
/// input.
struct BatchSampler: Sendable {
  private let images: [Dataset.Image]
  private let boxes: [[LabelledBox]]
  private let preprocessing: Preprocessing
  private let width: Int
  private let height: Int
  private let batchSize: Int
  private let augmentation: Augmentation
  private let epochs: Int
  private let seed: UInt64
  private let cache: ImageCache

  init(
    _ dataset: Dataset, classes: [String], preprocessing: Preprocessing, width: Int, height: Int,
    batchSize: Int, augmentation: Augmentation, epochs: Int, seed: UInt64, needsLabels: Bool,
    cache: ImageCache
  ) throws {
    var mapping: ClassMapping?
    do {
      mapping = try ClassMapping(classes, to: dataset.categories, for: .learning)
    } catch  where !needsLabels {
      // A training that reads no labels can use images of any classes, or of none.
    }
    var labels: [Int: Int] = [:]
    for (label, category) in (mapping?.categories ?? []).enumerated() {
      if let category { labels[category] = label }
    }
    var boxes = Array(repeating: [LabelledBox](), count: dataset.images.count)
    for annotation in dataset.annotations where !annotation.isCrowd {
      guard let label = labels[annotation.category], annotation.width > 0, annotation.height > 0
      else { continue }
      boxes[annotation.image].append(
        LabelledBox(
          box: Box(
            x: annotation.x, y: annotation.y, width: annotation.width,
            height: annotation.height), classIndex: label))
    }
    images = dataset.images
    self.boxes = boxes
    self.preprocessing = preprocessing
    (self.width, self.height, self.batchSize) = (width, height, batchSize)
    (self.augmentation, self.epochs, self.seed) = (augmentation, epochs, seed)
    self.cache = cache
  }

  func batch(epoch: Int, index: Int) throws -> Batch {
    let order = order(of: epoch)
    let augmentation = augmentation.inForce(epoch: epoch, of: epochs)
    let size = 3 * width * height
    var batch = Batch(
      images: Array(repeating: 0, count: batchSize * size), targets: [], imageIndices: [])
    for slot in 0..<batchSize {
      let place = index * batchSize + slot
      let image = order[place % order.count]
      var random = CounterRandom(
        seed: seed, stream: 0x7a11_0000_0000_0000 | UInt64(epoch) << 32 | UInt64(place))
      var canvas = try canvas(image, augmentation, &random)
      if augmentation.mixup > 0, Double.random(in: 0..<1, using: &random) < augmentation.mixup {
        let other = Int.random(in: 0..<images.count, using: &random)
        canvas.mix(
          try self.canvas(other, augmentation, &random),
          part: Double.random(in: 0.3...0.5, using: &random))
      }
      if augmentation.hue + augmentation.saturation + augmentation.brightness > 0 {
        ColourJitter(augmentation, &random).apply(to: &canvas)
      }
      batch.images.withUnsafeMutableBufferPointer { values in
        if let base = values.baseAddress {
          preprocessing.normalize(
            canvas.pixels, count: width * height, to: base + slot * size)
        }
      }
      batch.targets.append(canvas.objects)
      batch.imageIndices.append(image)
    }
    return batch
  }

  /// The order in which an epoch visits the images.
  private func order(of epoch: Int) -> [Int] {
    var random = CounterRandom(seed: seed, stream: 0x0bde_0000_0000_0000 | UInt64(epoch))
    return images.indices.shuffled(using: &random)
  }

  /// An image, or a mosaic that begins with it.
  private func canvas(
    _ image: Int, _ augmentation: Augmentation, _ random: inout CounterRandom
  ) throws -> TrainingCanvas {
    var canvas = TrainingCanvas(
      width: width, height: height, fill: UInt8(clamping: preprocessing.pad))
    if augmentation.mosaic > 0, Double.random(in: 0..<1, using: &random) < augmentation.mosaic {
      let four =
        [image] + (0..<3).map { _ in Int.random(in: 0..<images.count, using: &random) }
      let pixels = try four.map(pixels)
      let placements = augmentation.mosaicPlacements(
        pixels.map { ($0.width, $0.height) }, width: width, height: height, &random)
      for (place, number) in four.enumerated() {
        canvas.draw(
          pixels[place], boxes[number], at: placements[place].placement,
          within: placements[place].window)
      }
      return canvas
    }
    let pixels = try pixels(image)
    let base = preprocessing.placement(
      ofWidth: pixels.width, height: pixels.height, width: width, height: height)
    canvas.draw(
      pixels, boxes[image],
      at: augmentation.placement(base, width: width, height: height, &random),
      within: canvas.whole)
    return canvas
  }

  private func pixels(_ image: Int) throws -> PixelBuffer {
    try cache.image(image) { try images[image].source.load() }
  }
}

extension Preprocessing {
  /// Writes interleaved RGB pixels as normalised planes, `[3, count]`.
  func normalize(_ pixels: [UInt8], count: Int, to target: UnsafeMutablePointer<Float>) {
    pixels.withUnsafeBufferPointer { pixels in
      for channel in 0..<3 {
        let source = order == .rgb ? channel : 2 - channel
        let (factor, shift) = (1 / std[channel], mean[channel])
        let plane = target + channel * count
        for index in 0..<count {
          plane[index] = (Float(pixels[index * 3 + source]) - shift) * factor
        }
      }
    }
  }
}
