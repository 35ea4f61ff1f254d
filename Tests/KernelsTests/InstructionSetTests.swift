import Kernels
import Testing

/// What dispatch offers on the machine that the tests run on.
@Suite struct InstructionSetTests {
  @Test func thePortableSetIsAlwaysThereAndTheLast() {
    #expect(InstructionSet.portable.family == .portable)
    #expect(InstructionSet.supported.filter { $0.family == .portable } == [.portable])
    #expect(InstructionSet.best == InstructionSet.supported.first)
  }

  @Test func allOthersAreOfOneFamily() {
    let others = InstructionSet.supported.dropLast()
    #expect(Set(others.map(\.family)).count <= 1)
    #if arch(x86_64)
      #expect(others.allSatisfy { $0.family == .x86 })
    #elseif arch(arm64)
      #expect(others.allSatisfy { $0.family == .arm })
    #endif
  }

  @Test func namesTellThemApart() {
    let names = InstructionSet.supported.map(\.description)
    #expect(Set(names).count == names.count)
  }
}
