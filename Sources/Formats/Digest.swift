import CCrypto
import CZlib
import Foundation

/// Digests and compressed sizes of files.
public enum Digest {
  /// The SHA-256 digest, 32 bytes.
  public static func sha256(_ data: Data) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    _ = data.withUnsafeBytes {
      EVP_Digest($0.baseAddress, $0.count, &digest, &length, EVP_sha256(), nil)
    }
    return digest
  }

  /// The SHA-256 digest in hexadecimal.
  public static func sha256Text(_ data: Data) -> String {
    sha256(data).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The number of bytes that `gzip` compresses the data to, without the 18 bytes of its header and
  /// trailer.
  public static func deflatedSize(_ data: Data) -> Int {
    var size = compressBound(uLong(data.count))
    var buffer = [UInt8](repeating: 0, count: Int(size))
    let status = data.withUnsafeBytes {
      compress2(
        &buffer, &size, $0.bindMemory(to: UInt8.self).baseAddress, uLong(data.count),
        Z_DEFAULT_COMPRESSION)
    }
    return status == Z_OK ? Int(size) : data.count
  }
}
