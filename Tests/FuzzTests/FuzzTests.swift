import Foundation
import Fuzz
import GraphIR
import TestSupport
import Testing

/// A short, seeded hunt in this process: a trap or a fault ends the suite.
@Suite struct FuzzTests {
  private static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL

  @Test func damagedFilesEndInResultsOrErrors() throws {
    let seeds = try FuzzSeeds(package: Self.package)
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "fuzz-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let exercise = try FuzzExercise(folder: folder, seeds: seeds)
    var (accepted, refused): (Set<FuzzKind>, Set<FuzzKind>) = ([], [])
    for index in 0..<2000 {
      let input = FuzzInput(index, seed: 5, seeds: seeds)
      do {
        try exercise.run(input)
        accepted.insert(input.kind)
      } catch {
        refused.insert(input.kind)
        #expect(!"\(error)".isEmpty)
      }
    }
    // Damage must neither break every file nor leave every file whole.
    let kinds = Set(FuzzKind.allCases.filter { $0.share > 0 })
    #expect(refused == kinds)
    #expect(accepted.isSuperset(of: [.onnx, .hdf5, .npy, .jpeg, .yolo, .coco]), "\(accepted)")
  }

  @Test func anInputIsThatOfItsNumber() throws {
    let seeds = try FuzzSeeds(package: Self.package)
    for index in 0..<50 {
      let (a, b) = (
        FuzzInput(index, seed: 3, seeds: seeds), FuzzInput(index, seed: 3, seeds: seeds)
      )
      #expect(a.data == b.data && a.kind == b.kind && a.variant == b.variant)
    }
    let files = Set((0..<200).map { FuzzInput($0, seed: 3, seeds: seeds, kinds: [.onnx]).data })
    #expect(files.count > 190)
  }

  @Test func soundFilesAreAccepted() throws {
    let seeds = try FuzzSeeds(package: Self.package)
    for (kind, files) in seeds.files {
      #expect(!files.isEmpty, "\(kind)")
      #expect(files.allSatisfy { !$0.isEmpty }, "\(kind)")
    }
    #expect((seeds.files[.onnx] ?? []).count > 300)
  }

  @Test func aStateOutlivesItsWriter() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let descriptor = open(path, O_WRONLY | O_CREAT, 0o644)
    defer { close(descriptor) }
    var state = FuzzState()
    state.index = 41
    state.refused[2] = 7
    state.write(to: descriptor)
    let read = FuzzState(path: path)
    #expect(read.index == 41 && read.refused == state.refused && read.memory == 0)
    var counts = FuzzCounts()
    counts.add(read)
    #expect(counts.total.inputs == 7 && counts.total.isClean)
    #expect(counts.table(isThroughBinary: false).contains("| all | 7 | 0 | 7 | 0 | 0 | 0 |"))
  }
}
