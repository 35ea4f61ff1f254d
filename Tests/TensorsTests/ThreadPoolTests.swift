import Synchronization
import Tensors
import Testing

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 5])
  func everyPartRunsOnce(threads: Int) {
    let pool = ThreadPool(threads: threads)
    for round in 0..<200 {
      let count = round % 17
      let sum = Atomic<Int>(0)
      pool.forEach(count) { sum.add($0 + 1, ordering: .relaxed) }
      #expect(sum.load(ordering: .relaxed) == count * (count + 1) / 2)
    }
  }

  @Test func poolsComeAndGo() {
    for _ in 0..<100 {
      let pool = ThreadPool(threads: 3)
      let sum = Atomic<Int>(0)
      pool.forEach(3) { sum.add($0, ordering: .relaxed) }
      #expect(sum.load(ordering: .relaxed) == 3)
    }
  }

  @Test(arguments: [1, 2, 3, 8])
  func partsWriteWhereTheyShould(threads: Int) {
    let pool = ThreadPool(threads: threads)
    for count in [0, 1, 2, 63, 1000] {
      let squares = Tensor(zeros: TensorType(.int64, [count]))
      let target = squares.view.elements(as: Int64.self)
      pool.forEach(count) { target[$0] += Int64($0 * $0) }
      #expect(squares.elements(as: Int64.self) == (0..<count).map { Int64($0 * $0) })
    }
  }

  @Test func callersTakeTurns() async {
    let pool = ThreadPool(threads: 3)
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let sum = Atomic<Int>(0)
          for _ in 0..<50 { pool.forEach(20) { sum.add($0, ordering: .relaxed) } }
          return sum.load(ordering: .relaxed)
        }
      }
      for await sum in group { #expect(sum == 50 * 190) }
    }
  }

  @Test(arguments: [1, 3]) func mapKeepsTheOrderAndThrowsTheFirstError(threads: Int) throws {
    struct Failure: Error, Equatable { var index: Int }
    let pool = ThreadPool(threads: threads)
    #expect(try pool.map(50) { $0 * $0 } == (0..<50).map { $0 * $0 })
    #expect(try pool.map(0) { $0 }.isEmpty)
    #expect(throws: Failure(index: 7)) {
      try pool.map(50) { index in
        if index >= 7 { throw Failure(index: index) }
        return index
      }
    }
  }
}
