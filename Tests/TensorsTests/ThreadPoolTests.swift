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
}
