import Foundation

/// How much memory this process may still take.
///
/// All knowledge of the limits is here.
///
/// A process that takes more memory than it can have is killed without a message. Whatever takes
/// much memory asks here first, with its planned size.
public enum MachineMemory {
  /// Requests for less than this are granted without a check.
  private static let smallest = 16 << 20

  /// A number of bytes, and what sets it.
  public struct Limit: Sendable, Equatable {
    /// The bytes that may be taken.
    public var bytes: Int
    /// For example `the machine`.
    public var reason: String

    /// A limit set by hand.
    public init(bytes: Int, reason: String) {
      self.bytes = bytes
      self.reason = reason
    }
  }

  /// Throws when the process cannot have so much memory.
  ///
  /// - Parameters:
  ///   - bytes: The bytes that would be taken; `nil` for a size that overflows.
  ///   - what: What would take it, in the plural, for the message.
  /// - Throws: ``MemoryShortage``.
  public static func require(
    _ bytes: Int?, for what: @autoclosure () -> String
  ) throws(MemoryShortage) {
    if let bytes, bytes < smallest { return }
    let limit = free()
    guard let bytes, bytes <= limit.bytes else {
      throw MemoryShortage(what: what(), needed: bytes, limit: limit)
    }
  }

  /// The least of what the machine has left, what its limits leave the process and what control
  /// groups leave it.
  public static func free() -> Limit {
    let limits = [machine, addressSpace, data] + controlGroups
    return limits.compactMap { $0 }.min { $0.bytes < $1.bytes }
      ?? Limit(bytes: .max, reason: "nothing")
  }

  /// Memory that is available without taking it from other processes, and free swap space.
  private static var machine: Limit? {
    let lines = text("/proc/meminfo").split(separator: "\n")
    func bytes(_ name: String) -> Int? {
      lines.first { $0.hasPrefix(name + ":") }.flatMap {
        Int($0.split(whereSeparator: \.isWhitespace).dropFirst().first ?? "")
      }.map { $0 * 1024 }
    }
    guard let available = bytes("MemAvailable") else { return nil }
    return Limit(bytes: available + (bytes("SwapFree") ?? 0), reason: "the machine")
  }

  /// A field of `/proc/self/statm`, which counts pages, in bytes.
  private static func used(_ place: Int) -> Int {
    let fields = text("/proc/self/statm").split(separator: " ")
    guard fields.indices.contains(place), let pages = Int(fields[place]) else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  private static var addressSpace: Limit? {
    remainder(of: __rlimit_resource_t(RLIMIT_AS.rawValue), used: used(0), "ulimit -v")
  }

  private static var data: Limit? {
    remainder(of: __rlimit_resource_t(RLIMIT_DATA.rawValue), used: used(5), "ulimit -d")
  }

  private static func remainder(
    of resource: __rlimit_resource_t, used: @autoclosure () -> Int, _ reason: String
  ) -> Limit? {
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < UInt(Int.max) else { return nil }
    return Limit(bytes: max(0, Int(limit.rlim_cur) - used()), reason: reason)
  }

  /// The limits of the process's control group and those around it, of either version.
  private static var controlGroups: [Limit?] {
    text("/proc/self/cgroup").split(separator: "\n").flatMap { line -> [Limit?] in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let isUnified = parts[0] == "0"
      guard isUnified || parts[1].split(separator: ",").contains("memory") else { return [] }
      let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      var steps = parts[2].split(separator: "/")
      var limits: [Limit?] = []
      while true {
        let folder = ([Substring(root)] + steps).joined(separator: "/")
        limits.append(controlGroup(folder, isUnified: isUnified))
        guard steps.popLast() != nil else { return limits }
      }
    }
  }

  private static func controlGroup(_ folder: String, isUnified: Bool) -> Limit? {
    func number(_ file: String) -> Int? {
      Int(text("\(folder)/\(file)").trimmingCharacters(in: .whitespacesAndNewlines))
    }
    let names =
      isUnified
      ? (limit: "memory.max", used: "memory.current")
      : (limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes")
    // Without a limit the unified files say "max", the older ones a number near 2⁶³.
    guard let limit = number(names.limit), limit < 1 << 60, let used = number(names.used) else {
      return nil
    }
    // Cached files can be dropped, so they do not count.
    let cached =
      text("\(folder)/memory.stat").split(separator: "\n")
      .first { $0.hasPrefix(isUnified ? "inactive_file " : "total_inactive_file ") }
      .flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    return Limit(bytes: max(0, limit - used + cached), reason: "the control group")
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}

/// More memory was requested than there is.
public struct MemoryShortage: Error, Equatable, CustomStringConvertible {
  /// What would take the memory, in the plural.
  public var what: String
  /// The bytes it would take; `nil` when their number overflows.
  public var needed: Int?
  /// The bytes there are, and what sets the limit.
  public var limit: MachineMemory.Limit

  /// A shortage.
  public init(what: String, needed: Int?, limit: MachineMemory.Limit) {
    self.what = what
    self.needed = needed
    self.limit = limit
  }

  /// A sentence for the user.
  public var description: String {
    let size = needed.map(ByteText.text) ?? "more than 64 bits can count of bytes"
    return
      "\(what) would take \(size) of memory; \(limit.reason) leaves \(ByteText.text(limit.bytes))"
  }
}
