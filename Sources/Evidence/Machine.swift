import Foundation

/// The machine that measurements run on.
public enum Machine {
  /// The CPU's name.
  public static let cpu: String = {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map {
      $0.trimmingCharacters(in: .whitespaces)
    } ?? "unknown"
  }()

  /// Whether the CPU adds products of bytes in pairs that saturate at 16 bits: an x86 without VNNI.
  public static let addsBytesInPairs: Bool = {
    #if arch(x86_64)
      let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
      let flags = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
      return !flags.split(separator: " ").contains { $0.hasSuffix("_vnni") }
    #else
      return false
    #endif
  }()

  /// The distribution and the kernel.
  public static let system: String = {
    func read(_ path: String) -> String {
      ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "")
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let name = read("/etc/os-release").split(separator: "\n")
      .first { $0.hasPrefix("PRETTY_NAME=") }?.dropFirst("PRETTY_NAME=".count)
      .trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    return (name ?? "Linux") + ", kernel " + read("/proc/sys/kernel/osrelease")
  }()

  /// The most memory the process has held, in bytes.
  public static var peakMemoryBytes: Int {
    let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0)
      * 1024
  }
}
