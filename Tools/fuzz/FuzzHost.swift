import Foundation

/// Hands ranges of inputs to workers and notes what becomes of them.
struct FuzzHost {
  let seed: UInt64
  let kinds: [FuzzKind]
  let jobs: Int
  let seconds: Int
  let package: URL
  let seeds: FuzzSeeds

  private static let chunk = 2000

  private struct Slot {
    var range: Range<Int>
    var state: String
    var log: String
  }

  /// Works through the inputs below a number.
  func run(_ inputs: Int, findings: inout FuzzFindings) throws -> FuzzCounts {
    var counts = FuzzCounts()
    var ranges = stride(from: 0, to: inputs, by: Self.chunk).map {
      $0..<min($0 + Self.chunk, inputs)
    }
    ranges.reverse()
    let scratch = FileManager.default.temporaryDirectory.appending(path: "fuzz-host-\(getpid())")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    var slots: [pid_t: Slot] = [:]
    var started = 0
    var done = 0
    while !ranges.isEmpty || !slots.isEmpty {
      while slots.count < jobs, let range = ranges.popLast() {
        let name = scratch.appending(path: "\(started)").path
        started += 1
        let slot = Slot(range: range, state: name + ".state", log: name + ".log")
        slots[try start(slot).id] = slot
      }
      guard let (id, end) = FuzzProcess.wait() else { break }
      guard let slot = slots.removeValue(forKey: id) else { continue }
      let state = FuzzState(path: slot.state)
      counts.add(state)
      done += slot.range.count
      if let rest = try note(end, state, slot, &counts, &findings), !rest.isEmpty {
        ranges.append(rest)
        done -= rest.count
      }
      if done % (10 * Self.chunk) < Self.chunk {
        FileHandle.standardError.write(Data("\(done) of \(inputs) inputs\n".utf8))
      }
    }
    return counts
  }

  private func start(_ slot: Slot) throws -> FuzzProcess {
    var arguments = [
      "/proc/self/exe", "--worker", slot.state, "--from", "\(slot.range.lowerBound)", "--to",
      "\(slot.range.upperBound)", "--seed", "\(seed)", "--seconds", "\(seconds)", "--package",
      package.path,
    ]
    if !kinds.isEmpty { arguments += ["--kinds", kinds.map(\.rawValue).joined(separator: ",")] }
    return try FuzzProcess(arguments, output: slot.log)
  }

  /// What is left of a worker's range when it ended early.
  private func note(
    _ end: FuzzProcess.End, _ state: FuzzState, _ slot: Slot, _ counts: inout FuzzCounts,
    _ findings: inout FuzzFindings
  ) throws -> Range<Int>? {
    let log = (try? String(contentsOfFile: slot.log, encoding: .utf8)) ?? ""
    guard end.status != 0 || state.memory > 0 else { return nil }
    guard state.index >= 0, end.signal != nil || state.memory > 0 else {
      throw FuzzFailure("a worker ended: \(log)")
    }
    let input = FuzzInput(state.index, seed: seed, seeds: seeds, kinds: kinds)
    var row = counts[input.kind]
    let what: String
    if let signal = end.signal {
      row.inputs += 1
      what = signal == SIGALRM ? "timeout" : "signal\(signal)"
      if signal == SIGALRM { row.timeouts += 1 } else { row.signals += 1 }
    } else {
      what = "memory"
      row.overMemory += 1
    }
    counts[input.kind] = row
    findings.add(
      what, state.index, input, command: nil,
      detail: state.memory > 0 ? "\(state.memory) bytes" : log, kinds: kinds)
    return state.index + 1..<slot.range.upperBound
  }
}
