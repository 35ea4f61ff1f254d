import Foundation
import Tensors

/// Reads HDF5 data as libhdf5 writes it for its oldest readers: superblock version 0 or 1, symbol
/// tables, object header version 1.
///
/// The C library is not used to read. Here every address and length is checked against the data
/// before it is followed, and ``ExpansionBudget`` limits what is allocated.
///
/// Reference: The HDF Group, *HDF5 File Format Specification Version 2.0*, §II.A, §III and §IV.
final class HDF5Reader {
  /// An object of the file.
  enum Object {
    case group([String: UInt64])
    case dataset(HDF5Dataset)
  }

  /// One message of an object header.
  struct Message {
    var type: UInt64
    var body: HDF5Bytes
  }

  private let bytes: HDF5Bytes
  private var root: [String: UInt64] = [:]
  /// The members of groups that were read before, by address.
  private var groups: [UInt64: [String: UInt64]] = [:]
  let budget: ExpansionBudget

  /// Reads the root group of HDF5 data whose addresses count from its first byte.
  ///
  /// - Throws: ``PlacedError``, as all members.
  init(_ data: Data) throws {
    bytes = HDF5Bytes(data)
    budget = ExpansionBudget(fileBytes: data.count)
    guard data.starts(with: HDF5Format.signature), try bytes.number(8, 1) <= 1,
      try bytes.number(13, 2) == 0x0808
    else { throw PlacedError("superblock", "is of an unknown version") }
    // Version 1 has four more bytes: the fan-out of chunk trees.
    let rootEntry: UInt64 = try bytes.number(8, 1) == 0 ? 56 : 60
    root = try group(at: try bytes.number(rootEntry, 8, after: 8), path: "/")
  }

  /// The dataset or group at a path of names from the root group.
  func object(_ path: [String]) throws -> Object {
    let name = path.joined(separator: "/")
    var members = root
    for (depth, part) in path.enumerated() {
      guard let address = members[part] else { throw PlacedError(name, "is missing") }
      if let group = groups[address] {
        members = group
        continue
      }
      let messages = try messages(at: address, path: name)
      if let table = messages.first(where: { $0.type == 0x11 }) {
        members = try self.members(table.body, path: name)
        groups[address] = members
      } else if depth == path.count - 1 {
        return .dataset(try HDF5Dataset(messages, in: bytes, path: name))
      } else {
        throw PlacedError(name, "is missing")
      }
    }
    return .group(members)
  }

  /// The dataset at a path of names from the root group.
  func dataset(_ path: [String]) throws -> HDF5Dataset {
    guard case .dataset(let dataset) = try object(path) else {
      throw PlacedError(path.joined(separator: "/"), "is a group, not a dataset")
    }
    return dataset
  }

  private func group(at address: UInt64, path: String) throws -> [String: UInt64] {
    guard let table = try messages(at: address, path: path).first(where: { $0.type == 0x11 })
    else { throw PlacedError(path, "is not a group") }
    return try members(table.body, path: path)
  }

  /// The messages of a version 1 object header, continuation blocks included.
  private func messages(at address: UInt64, path: String) throws -> [Message] {
    guard try bytes.number(address, 1) == 1 else {
      throw PlacedError(path, "has an object header of an unknown version")
    }
    let count = Int(try bytes.number(address, 2, after: 2))
    var blocks = [
      try bytes.slice(address, after: 16, count: try bytes.number(address, 4, after: 8))
    ]
    var messages: [Message] = []
    var next = 0
    while messages.count < count, next < blocks.count {
      let block = blocks[next]
      next += 1
      var offset: UInt64 = 0
      while messages.count < count, offset + 8 <= UInt64(block.count) {
        let type = try block.number(offset, 2)
        let size = try block.number(offset, 2, after: 2)
        guard try block.number(offset, 1, after: 4) & 2 == 0 else {
          throw PlacedError(path, "has a shared header message")
        }
        let body = try block.slice(offset, after: 8, count: size)
        messages.append(Message(type: type, body: body))
        if type == 0x10 {
          blocks.append(try bytes.slice(try body.number(0, 8), count: try body.number(8, 8)))
        }
        offset += 8 + size
      }
    }
    return messages
  }

  /// Names and addresses of the members that a symbol table message points to.
  private func members(_ table: HDF5Bytes, path: String) throws -> [String: UInt64] {
    let heap = try table.number(8, 8)
    guard try bytes.text(heap, 4) == "HEAP" else { throw PlacedError(path, "has no name heap") }
    let names = try bytes.slice(
      try bytes.number(heap, 8, after: 24), count: try bytes.number(heap, 8, after: 8))
    var members: [String: UInt64] = [:]
    var left = bytes.count / 40
    var nodes = bytes.treeNodeLimit
    try visit(try table.number(0, 8), level: nil, path: path, &nodes) { leaf in
      guard try bytes.text(leaf, 4) == "SNOD" else {
        throw PlacedError(path, "has a damaged symbol table")
      }
      for entry in 0..<(try bytes.number(leaf, 2, after: 6)) {
        left -= 1
        guard left >= 0 else { throw PlacedError(path, "has more members than fit the file") }
        let name = try names.terminatedText(try bytes.number(leaf, 8, after: 8 + 40 * entry))
        members[name] = try bytes.number(leaf, 8, after: 16 + 40 * entry)
      }
    }
    return members
  }

  /// Calls `body` with the address of each leaf under a group's B-tree node.
  private func visit(
    _ node: UInt64, level expected: UInt64?, path: String, _ left: inout Int,
    _ body: (UInt64) throws -> Void
  ) throws {
    left -= 1
    let level = try bytes.number(node, 1, after: 5)
    guard try bytes.text(node, 4) == "TREE", try bytes.number(node, 1, after: 4) == 0,
      level == expected ?? min(level, 8), left >= 0
    else { throw PlacedError(path, "has a damaged B-tree") }
    for entry in 0..<(try bytes.number(node, 2, after: 6)) {
      let child = try bytes.number(node, 8, after: 32 + 16 * entry)
      if level == 0 {
        try body(child)
      } else {
        try visit(child, level: level - 1, path: path, &left, body)
      }
    }
  }
}

/// A part of the data of an HDF5 file; every access is checked.
struct HDF5Bytes {
  private let data: Data

  /// All of `data`.
  init(_ data: Data) { self.data = data }

  /// The number of bytes.
  var count: Int { data.count }

  /// The most nodes that a B-tree can have in these bytes, each at a place of its own.
  var treeNodeLimit: Int { count / 24 }

  /// A little-endian number of `width` bytes at `start + after`.
  func number(_ start: UInt64, _ width: UInt64, after: UInt64 = 0) throws -> UInt64 {
    let part = try slice(start, after: after, count: width)
    return part.data.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The bytes `start + after ..< start + after + count`.
  func slice(_ start: UInt64, after: UInt64 = 0, count: UInt64) throws -> HDF5Bytes {
    let size = UInt64(data.count)
    guard start <= size, after <= size - start, count <= size - start - after else {
      throw PlacedError(
        "byte \(start.addingReportingOverflow(after).partialValue)",
        "lies outside the HDF5 data, or too little follows it")
    }
    let first = data.startIndex + Int(start + after)
    return HDF5Bytes(data[first..<first + Int(count)])
  }

  /// Text of `count` bytes.
  func text(_ start: UInt64, _ count: UInt64) throws -> String {
    String(decoding: try slice(start, count: count).data, as: UTF8.self)
  }

  /// The text from `start` to the next zero byte.
  func terminatedText(_ start: UInt64) throws -> String {
    let rest = try slice(start, count: UInt64(data.count) - min(start, UInt64(data.count)))
    return String(decoding: rest.data.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// Calls `body` with the bytes.
  func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try data.withUnsafeBytes(body)
  }
}
