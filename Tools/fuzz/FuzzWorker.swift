import Foundation
import TestSupport

/// The process that works through inputs; when it dies, its state says of which one.
struct FuzzWorker {
  /// More memory than this for a small file is a failure.
  static let memoryLimit = 1 << 30
  /// What a worker may map at most, so that a bomb does not take the machine along.
  private static let addressSpace: UInt = 12 << 30

  let seed: UInt64
  let kinds: [FuzzKind]
  let seconds: Int

  /// Works through a range of inputs; ends early, with what it held, once a file has taken too much.
  func run(_ range: Range<Int>, state path: String, package: URL) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw FuzzFailure("\(path) cannot be written") }
    var limit = rlimit(rlim_cur: Self.addressSpace, rlim_max: Self.addressSpace)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    let seeds = try FuzzSeeds(package: package)
    let folder = FileManager.default.temporaryDirectory.appending(path: "fuzz-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let exercise = try FuzzExercise(folder: folder, seeds: seeds)
    var state = FuzzState()
    for index in range {
      state.index = index
      state.write(to: descriptor)
      let input = FuzzInput(index, seed: seed, seeds: seeds, kinds: kinds)
      let place = FuzzKind.allCases.firstIndex(of: input.kind) ?? 0
      setAlarm(seconds)
      do {
        try exercise.run(input)
        state.accepted[place] += 1
      } catch {
        state.refused[place] += 1
        // What only the limit of this process has stopped would have been taken.
        if "\(error)".contains("ulimit -v leaves") { state.memory = Int(Self.addressSpace) }
      }
      setAlarm(0)
      state.memory = max(state.memory, Self.peakBytes > Self.memoryLimit ? Self.peakBytes : 0)
      if state.memory > 0 { break }
    }
    state.write(to: descriptor)
  }

  /// Ends the process by `SIGALRM` after so many seconds; 0 stops the clock.
  private func setAlarm(_ seconds: Int) { _ = alarm(UInt32(seconds)) }

  /// The most memory this process has held.
  private static var peakBytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}

/// Why the fuzz itself cannot go on.
struct FuzzFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
