import Formats
import Foundation
import GraphIR
import Tensors

/// A teacher that reads the values of images from a file when it has computed them before.
///
/// The key of an image is the SHA-256 digest of its pixels as the student takes them, after
/// augmentation. So the same image augmented by the same seed is found again, and other
/// augmentations are not. The file is an HDF5 file of tensors `image/value`, bound to the digest of
/// the teacher's file. Once the limit is reached nothing is added.
public final class TeacherCache: TeacherSource {
  /// The shapes of the values.
  public var shapes: [[Int]] { network.shapes }
  /// Images whose values were found.
  public private(set) var hits = 0
  /// The number of images whose values are held.
  public var count: Int { entries.count }
  private let network: any TeacherSource
  private let file: URL
  private let teacher: String
  private let names: [String]
  private let limit: Int
  private var bytes = 0
  private var hasGrown = false
  /// The values of each image, one after the other.
  private var entries: [String: [[Float]]] = [:]
  /// The memory of a batch that is assembled from entries.
  private let batch: [UnsafeMutableBufferPointer<Float>]
  private static let key = "compress.teacher-cache"

  /// A cache in front of a teacher.
  ///
  /// Reads the file.
  ///
  /// - Parameters:
  ///   - teacher: The digest of the teacher's file.
  ///   - names: The names of the values.
  ///   - limit: The most bytes of values.
  /// - Throws: ``DistillationError/cache(file:reason:)`` for the cache of another teacher or of
  ///   other values, `FormatError`.
  public init(
    _ network: any TeacherSource, file: URL, teacher: String, values names: [String], limit: Int
  ) throws {
    (self.network, self.file, self.teacher, self.names) = (network, file, teacher, names)
    self.limit = limit
    batch = network.shapes.map { .allocate(capacity: $0.reduce(1, *)) }
    for memory in batch { memory.initialize(repeating: 0) }
    guard ModelFormat.hdf5.hasEnding(of: file) else {
      throw DistillationError.cache(file: file.path, reason: "a cache's name ends with .h5")
    }
    if try InputFile.kind(of: file) != nil { try load() }
  }

  deinit {
    for memory in batch { memory.deallocate() }
  }

  private var header: String { "\(teacher) \(names.joined(separator: ","))" }

  private func load() throws {
    let graph = try ModelFile.load(file)
    guard graph.properties.metadata[Self.key] == header else {
      throw DistillationError.cache(
        file: file.path,
        reason: "holds values of another teacher or layer; delete it or name another file")
    }
    for (name, initializer) in graph.initializers {
      guard let slash = name.firstIndex(of: "/"),
        let index = Int(name[name.index(after: slash)...]), names.indices.contains(index)
      else { continue }
      let image = String(name[..<slash])
      let values = initializer.tensor.floats
      guard values.count == elements(index) else {
        throw DistillationError.cache(
          file: file.path, reason: "holds values of another shape; delete it")
      }
      entries[image, default: Array(repeating: [], count: names.count)][index] = values
      bytes += 4 * values.count
    }
    entries = entries.filter { !$0.value.contains([]) }
    InputFile.release(file)
  }

  /// Elements of a value of one image.
  private func elements(_ index: Int) -> Int { shapes[index].dropFirst().reduce(1, *) }

  /// The values.
  ///
  /// They are computed only when an image of the batch is not in the cache.
  public func values(on images: [Float]) throws -> [UnsafePointer<Float>] {
    let count = shapes[0][0]
    let size = images.count / count
    let keys = images.withUnsafeBytes { bytes in
      (0..<count).map { image in
        Digest.sha256Text(Data(bytes[image * size * 4..<(image + 1) * size * 4]))
      }
    }
    hits += keys.count { entries[$0] != nil }
    guard keys.allSatisfy({ entries[$0] != nil }) else {
      let computed = try network.values(on: images)
      for (image, key) in keys.enumerated() where entries[key] == nil {
        keep(key, image: image, computed)
      }
      return computed
    }
    for (image, key) in keys.enumerated() {
      for (index, values) in (entries[key] ?? []).enumerated() {
        let target = batch[index].baseAddress.map { $0 + image * values.count }
        values.withUnsafeBufferPointer {
          if let from = $0.baseAddress { target?.update(from: from, count: values.count) }
        }
      }
    }
    return batch.compactMap { memory in memory.baseAddress.map { UnsafePointer($0) } }
  }

  private func keep(_ key: String, image: Int, _ computed: [UnsafePointer<Float>]) {
    let size = names.indices.reduce(0) { $0 + 4 * elements($1) }
    guard bytes + size <= limit else { return }
    entries[key] = computed.enumerated().map { index, values in
      Array(
        UnsafeBufferPointer(start: values + image * elements(index), count: elements(index)))
    }
    (bytes, hasGrown) = (bytes + size, true)
  }

  /// Writes the file, when something was added.
  ///
  /// - Throws: `FormatError`.
  public func save() throws {
    guard hasGrown else { return }
    var graph = Graph(name: "teacher-cache")
    graph.properties.metadata[Self.key] = header
    for (key, values) in entries.sorted(by: { $0.key < $1.key }) {
      for (index, value) in values.enumerated() {
        graph.initializers["\(key)/\(index)"] = Initializer(
          Tensor(value, shape: Array(shapes[index].dropFirst())))
      }
    }
    try ModelFile.save(graph, to: file)
    hasGrown = false
  }
}
