import GraphIR
import Testing

@Suite struct AttributesTests {
  let attributes: Attributes = ["axis": .int(2), "mode": .string("linear"), "pads": .ints([1, 1])]

  @Test func typedAccessReadsWhatIsThere() throws {
    #expect(try attributes.int("axis") == 2)
    #expect(try attributes.int("absent", default: 7) == 7)
    #expect(try attributes.string("mode", default: "") == "linear")
    #expect(try attributes.ints("pads") == [1, 1])
    #expect(try attributes.flag("axis", default: false))
  }

  @Test func theWrongKindIsNamed() {
    #expect(throws: AttributeError.wrongKind(name: "axis", expected: "FLOAT", found: "INT")) {
      try attributes.float("axis")
    }
    #expect(throws: AttributeError.missing(name: "absent")) {
      try attributes.requiredInt("absent")
    }
  }

  @Test func orderIsKept() {
    var changed = attributes
    changed["mode"] = nil
    changed["last"] = .float(1)
    #expect(changed.names == ["axis", "pads", "last"])
  }
}
