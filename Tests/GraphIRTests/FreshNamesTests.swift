import GraphIR
import Tensors
import Testing

/// Names that passes make.
@Suite struct FreshNamesTests {
  /// A graph that bears names in every place there is.
  private func graph() -> Graph {
    let inner = Graph(
      nodes: [Node("Add", name: "n.inner", inputs: ["outer", "c.inner"], outputs: ["v.inner"])],
      inputs: [ValueInfo(name: "i.inner", type: .undeclared)],
      outputs: [ValueInfo(name: "v.inner", type: .undeclared)],
      initializers: ["c.inner": Initializer(Tensor(scalar: Float(1)))])
    return Graph(
      nodes: [
        Node("Relu", name: "n", inputs: ["x"], outputs: ["v"]),
        Node(
          "If", name: "branch", inputs: ["v"], outputs: ["y"],
          attributes: ["then_branch": .graph(inner)]),
      ], inputs: [ValueInfo(name: "x", type: .undeclared)],
      outputs: [ValueInfo(name: "y", type: .undeclared)],
      initializers: ["c": Initializer(Tensor(scalar: Float(1)))],
      valueTypes: ["declared": ValueInfo(name: "declared", type: .undeclared)])
  }

  @Test(arguments: [
    "n", "v", "branch", "x", "y", "c", "declared", "n.inner", "outer", "c.inner", "v.inner",
    "i.inner",
  ])
  func whatAGraphBearsIsTaken(name: String) {
    var names = FreshNames(graph())
    #expect(names.value(name) == "\(name)_1" && names.node(name) == "\(name)_1")
    #expect(names.value(name) == "\(name)_2")
    #expect(graph().freshName(name) == "\(name)_1")
    #expect(names.prefix(name).hasPrefix("\(name)_"))
  }

  @Test func whatIsFreeStaysAsAskedForAndIsGivenOnce() {
    var names = FreshNames(graph())
    #expect(names.value("a") == "a" && names.value("a") == "a_1" && names.value("a_1") == "a_1_1")
    // A node may be called as the value it makes.
    #expect(names.node("a") == "a" && names.node("a") == "a_1" && names.node("") == "")
    #expect(names.prefix("∇") == "∇")
  }
}
