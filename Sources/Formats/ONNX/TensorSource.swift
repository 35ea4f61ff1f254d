import Foundation
import Tensors

/// Where the elements of a model's tensors are stored.
final class TensorSource {
  /// The model's folder; `nil` when the model was not read from a file.
  private let folder: URL?
  /// The model file, when messages hold indices into `payloads` in place of raw bytes.
  private let file: Data
  private let payloads: [Range<Int>]?
  /// The temporary paths of external files that do not have their final names yet.
  private let placed: [String: URL]
  private var externalFiles: [String: ExternalFile] = [:]
  /// The bytes that the file may still declare without holding them.
  let budget: ExpansionBudget

  /// A source whose messages hold their elements themselves.
  init(budget: ExpansionBudget) {
    (folder, file, payloads, self.budget) = (nil, Data(), nil, budget)
    placed = [:]
  }

  /// The source of a model file's skeleton.
  init(file: Data, payloads: [Range<Int>], folder: URL?, placed: [String: URL] = [:]) {
    (self.folder, self.file, self.payloads) = (folder, file, payloads)
    self.placed = placed
    budget = ExpansionBudget(fileBytes: file.count)
  }

  /// Calls `body` with a message's raw bytes.
  func withRawData<Result>(
    _ proto: Onnx_TensorProto, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    guard let payloads else { return try proto.rawData.withUnsafeBytes(body) }
    let index = proto.rawData.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard payloads.indices.contains(index) else { return try body(.init(start: nil, count: 0)) }
    return try file.withUnsafeBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[payloads[index]]))
    }
  }

  /// The tensor that a message's `external_data` entries point to.
  func external(_ proto: Onnx_TensorProto, type: TensorType, place: String) throws -> Tensor {
    let entries = Dictionary(
      proto.externalData.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    guard let location = entries["location"], !location.isEmpty else {
      throw PlacedError(place, "has external data without a location")
    }
    guard type.elementType != .string else {
      throw PlacedError(place, "has external data of strings, which cannot be")
    }
    let count = type.byteCount
    guard let offset = Int(entries["offset"] ?? "0"), offset >= 0,
      let length = Int(entries["length"] ?? "\(count)"), length == count
    else {
      throw PlacedError(
        place,
        "of type \(type) has external data of offset \(entries["offset"] ?? "0") and length "
          + "\(entries["length"] ?? "?"), expected \(count) bytes")
    }
    let file = try externalFile(location, place: place)
    guard file.size >= offset, file.size - offset >= length else {
      throw PlacedError(
        place,
        "its external data file '\(location)' has \(file.size) bytes, "
          + "needed \(length) from \(offset) on")
    }
    try budget.spend(length, place: place)
    let tensor = Tensor(uninitialized: type)
    guard file.read(into: tensor.rawBytes, from: offset) else {
      throw PlacedError(
        place, "its external data file '\(location)' cannot be read", kind: .inputOutput)
    }
    return tensor.normalizingBooleans()
  }

  private func externalFile(_ location: String, place: String) throws -> ExternalFile {
    if let file = externalFiles[location] { return file }
    if let url = placed[location] {
      let file = try ExternalFile(url)
      InputFile.release(url)
      externalFiles[location] = file
      budget.add(fileBytes: file.size)
      return file
    }
    guard let folder else {
      throw PlacedError(place, "has external data '\(location)', but the model is not in a folder")
    }
    let root = folder.resolvingSymlinksInPath().path
    let url = folder.appending(path: location).resolvingSymlinksInPath()
    guard !location.hasPrefix("/"), !location.split(separator: "/").contains(".."),
      url.path.hasPrefix(root == "/" ? root : root + "/")
    else {
      throw PlacedError(place, "has external data '\(location)' outside the model's folder")
    }
    let file: ExternalFile
    do {
      file = try ExternalFile(url)
    } catch let error as FormatError {
      throw PlacedError(
        place,
        "its external data file '\(location)' cannot be read: "
          + error.reason.replacing("cannot be read: ", with: ""), kind: error.kind)
    }
    externalFiles[location] = file
    budget.add(fileBytes: file.size)
    return file
  }
}

/// An open file of tensors beside a model.
private final class ExternalFile {
  let size: Int
  private let handle: FileHandle

  /// Opens a regular file.
  ///
  /// - Throws: ``FormatError``.
  init(_ url: URL) throws {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FormatError(reading: url.path, code: errno) }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FormatError(.badData, file: url.path, reason: "is not a regular file")
    }
    size = Int(status.st_size)
    InputRegistry.note(FileIdentity(status), path: url.path)
  }

  /// Fills the memory with the bytes from `offset` on; `false` when the file is too short or cannot
  /// be read.
  func read(into memory: UnsafeMutableRawBufferPointer, from offset: Int) -> Bool {
    var done = 0
    while done < memory.count {
      let count = pread(
        handle.fileDescriptor, memory.baseAddress.map { $0 + done }, memory.count - done,
        off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }
}
