import Foundation
import TestSupport

/// Bytes with a few of them changed, removed, repeated or cut off.
func mutated(_ data: Data, _ random: inout SplitMix64) -> Data {
  var bytes = [UInt8](data)
  for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2: bytes.remove(at: place)
    case 3: bytes.insert(bytes[place], at: place)
    case 4: bytes.removeSubrange(place...)
    default:
      let end = min(bytes.count, place + Int.random(in: 1...8, using: &random))
      bytes.replaceSubrange(place..<end, with: repeatElement(0xff, count: end - place))
    }
  }
  return Data(bytes)
}
