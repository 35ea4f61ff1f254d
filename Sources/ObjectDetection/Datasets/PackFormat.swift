import Formats
import Foundation
import GraphIR
import Tensors

/// A data set in one HDF5 file: the encoded images one after the other, and the labels as tables.
///
/// The file is laid out like a model file without nodes, and checked by the same digest.
/// `Documentation/FileFormats.md` names the tables. Encoded images are held in memory; decoded ones
/// are not.
public enum PackFormat {
  private static let metadataKey = "compress.dataset"

  /// The parts of a data set that are not in the tables.
  private struct Header: Codable {
    var schemaVersion = 1
    var format: String
    var categories: [Dataset.Category]
    var names: [String]
  }

  /// Writes a data set; scenes become PNG files.
  ///
  /// - Throws: ``ImageError`` for an image that cannot be read, `FormatError`.
  public static func save(_ dataset: Dataset, to url: URL, progress: (Int) -> Void = { _ in })
    throws
  {
    var bytes = Data()
    var offsets: [Int64] = [0]
    for (index, image) in dataset.images.enumerated() {
      bytes.append(try image.source.encoded())
      offsets.append(Int64(bytes.count))
      progress(index + 1)
    }
    var graph = Graph(name: "dataset")
    func store(_ name: String, _ tensor: Tensor) { graph.initializers[name] = Initializer(tensor) }
    let labels = dataset.annotations
    store("images", Tensor([UInt8](bytes)))
    store("offsets", Tensor(offsets))
    store("imageIds", Tensor(dataset.images.map { Int64($0.id) }))
    store(
      "sizes",
      Tensor(
        dataset.images.flatMap { [Int64($0.width ?? 0), Int64($0.height ?? 0)] },
        shape: [dataset.images.count, 2]))
    store(
      "labels",
      Tensor(
        labels.flatMap {
          [
            Int64($0.id), Int64($0.image), Int64($0.category), $0.isCrowd ? 1 : 0,
            $0.isDifficult ? 1 : 0,
          ]
        }, shape: [labels.count, 5]))
    store(
      "boxes",
      Tensor(
        labels.flatMap { [$0.x, $0.y, $0.width, $0.height, $0.area] }, shape: [labels.count, 5]))
    let header = Header(
      format: dataset.format, categories: dataset.categories,
      names: dataset.images.map { $0.file.lastPathComponent })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    graph.properties.metadata[metadataKey] = String(
      decoding: try encoder.encode(header), as: UTF8.self)
    try HDF5Format.save(graph, to: url)
  }

  /// Reads a data set.
  ///
  /// - Throws: `FormatError` for a damaged file, ``DatasetError/malformed(file:place:reason:)`` for
  ///   one whose tables do not agree.
  public static func load(_ url: URL) throws -> Dataset {
    try parse(try HDF5Format.load(url), file: url)
  }

  /// Reads the tables of a file.
  static func parse(_ graph: Graph, file: URL) throws -> Dataset {
    func bad(_ place: String, _ reason: String) -> DatasetError {
      .malformed(file: file.path, place: place, reason: reason)
    }
    guard let text = graph.properties.metadata[metadataKey],
      let header = try? JSONDecoder().decode(Header.self, from: Data(text.utf8)),
      header.schemaVersion == 1
    else { throw bad("", "is no packed data set of this version") }
    func table(_ name: String, _ type: ElementType, _ shape: [Int]) throws -> Tensor {
      guard let tensor = graph.initializers[name]?.tensor, tensor.elementType == type,
        tensor.shape.count == shape.count,
        zip(tensor.shape, shape).allSatisfy({ $1 < 0 || $0 == $1 })
      else { throw bad(name, "is missing or of another type or shape") }
      return tensor
    }
    let count = header.names.count
    let bytes = try table("images", .uint8, [-1])
    let offsets = try table("offsets", .int64, [count + 1]).integers
    guard offsets.first == 0, offsets.last == bytes.count,
      zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
    else { throw bad("offsets", "do not ascend from 0 to the end of the images") }
    let ids = try table("imageIds", .int64, [count]).integers
    let sizes = try table("sizes", .int64, [count, 2]).integers
    let labels = try table("labels", .int64, [-1, 5])
    let boxes = try table("boxes", .float64, [labels.shape[0], 5]).doubles
    let store = EncodedImage.Store(bytes.withUnsafeBytes { Data($0) })
    let images = (0..<count).map { index in
      func extent(_ axis: Int) -> Int? {
        sizes[2 * index + axis] > 0 ? sizes[2 * index + axis] : nil
      }
      return Dataset.Image(
        id: ids[index],
        source: .encoded(
          EncodedImage(
            store: store, range: offsets[index]..<offsets[index + 1], name: header.names[index])),
        width: extent(0), height: extent(1))
    }
    let known = Set(header.categories.map(\.id))
    let annotations = try (0..<labels.shape[0]).map { row in
      let label = Array(labels.integers[5 * row..<5 * row + 5])
      let box = Array(boxes[5 * row..<5 * row + 5])
      guard (0..<count).contains(label[1]), known.contains(label[2]),
        box.allSatisfy({ $0.isFinite })
      else { throw bad("labels", "row \(row) names no image, no category or no box") }
      return Dataset.Annotation(
        id: label[0], image: label[1], category: label[2], x: box[0], y: box[1], width: box[2],
        height: box[3], area: box[4], isCrowd: label[3] != 0, isDifficult: label[4] != 0)
    }
    return Dataset(
      format: header.format, source: file, categories: header.categories, images: images,
      annotations: annotations)
  }
}

/// The bytes of an image file inside a pack.
public struct EncodedImage: Hashable, Sendable {
  /// The bytes of all images of a pack.
  final class Store: Sendable {
    let data: Data

    init(_ data: Data) { self.data = data }
  }

  let store: Store
  /// The range of the bytes in the pack.
  let range: Range<Int>
  /// The name of the original file.
  public let name: String

  /// The bytes.
  public var data: Data { Data(store.data[range]) }

  /// Whether both are the same bytes of the same pack.
  public static func == (a: EncodedImage, b: EncodedImage) -> Bool {
    a.store === b.store && a.range == b.range && a.name == b.name
  }

  /// Hashes place and name.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(range)
    hasher.combine(name)
  }
}
