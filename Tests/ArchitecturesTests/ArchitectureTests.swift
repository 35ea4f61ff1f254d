import Architectures
import Testing

@Suite struct ArchitectureTests {
  @Test func everyArchitectureIsFoundByItsName() {
    for architecture in Architecture.all {
      #expect(Architecture.named(architecture.name)?.name == architecture.name)
    }
    #expect(Architecture.named("no such architecture") == nil)
  }
}
