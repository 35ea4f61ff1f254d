import Formats
import Foundation
import TestSupport

/// One damaged file: what a seed and a number stand for.
package struct FuzzInput {
  /// Its kind.
  package let kind: FuzzKind
  /// Its bytes.
  package let data: Data
  /// What decides everything else about its run.
  package let variant: Int

  /// The input of a number; `kinds` are those to choose from, all by their shares when empty.
  package init(_ index: Int, seed: UInt64, seeds: FuzzSeeds, kinds: [FuzzKind] = []) {
    var random = SplitMix64(seed: seed &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(index))
    let kind =
      kinds.randomElement(using: &random) ?? .of(Int.random(in: 0..<100, using: &random))
    var data = (seeds.files[kind] ?? []).randomElement(using: &random) ?? Data()
    data = Self.mutated(data, kind, &random)
    self.kind = kind
    self.data = data
    variant = Int.random(in: 0..<1_000_000, using: &random)
  }

  private static func mutated(
    _ data: Data, _ kind: FuzzKind, _ random: inout SplitMix64
  ) -> Data {
    func damaged(_ data: Data, from start: Int = 0) -> Data {
      (Mutation.allCases.randomElement(using: &random) ?? .bitFlips)
        .apply(to: data, from: start, using: &random)
    }
    let asBytes = Int.random(in: 0..<10, using: &random) < 2
    switch kind {
    case .onnx: return asBytes ? damaged(data) : WireMutation.apply(to: data, using: &random)
    case .hdf5:
      // Behind a digest that fits, so that the damage is reached.
      return asBytes ? damaged(data) : HDF5Seal.sealed(damaged(data, from: HDF5Seal.userBlock))
    case .coco, .voc, .yolo, .head, .plan, .recipe, .state:
      return asBytes ? damaged(data) : TextMutation.apply(to: data, using: &random)
    case .npy: return damaged(data, from: Bool.random(using: &random) ? 0 : min(8, data.count - 1))
    case .jpeg: return damaged(data)
    case .png: return PNGSeal.sealed(damaged(data, from: min(8, data.count - 1)))
    }
  }
}

/// The user block of HDF5 files, whose length and digest are made to fit again.
enum HDF5Seal {
  static let userBlock = 512

  static func sealed(_ file: Data) -> Data {
    guard file.count >= userBlock else { return file }
    let body = file.dropFirst(userBlock)
    var head = file.prefix(16)
    withUnsafeBytes(of: UInt64(body.count).littleEndian) { head.append(contentsOf: $0) }
    head.append(contentsOf: Digest.sha256(body))
    head.append(Data(count: userBlock - head.count))
    return head + body
  }
}

/// The checksums of PNG chunks, made to fit again.
enum PNGSeal {
  static func sealed(_ file: Data) -> Data {
    var bytes = [UInt8](file)
    var offset = 8
    while offset + 12 <= bytes.count {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - offset - 12 else { break }
      let end = offset + 8 + length
      let crc = checksum(bytes[offset + 4..<end])
      for index in 0..<4 {
        bytes[end + index] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * index))
      }
      offset = end + 4
    }
    return Data(bytes)
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xedb8_8320 : crc >> 1 }
    }
    return ~crc
  }
}
