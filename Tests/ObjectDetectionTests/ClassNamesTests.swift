import ObjectDetection
import Testing

/// Which classes of a detector are which of a data set.
@Suite struct ClassNamesTests {
  private func categories(_ names: [String]) -> [Dataset.Category] {
    names.enumerated().map { Dataset.Category(id: 10 * $0 + 1, name: $1) }
  }

  @Test(arguments: [
    ("aeroplane", "airplane"), ("motorbike", "motorcycle"), ("tvmonitor", "TV"),
    ("Sofa", "couch"), ("diningtable", "dining table"), ("pottedplant", "potted_plant"),
    ("cell_phone", "cell phone"),
  ])
  func synonymsAreOneClass(one: String, other: String) {
    #expect(ClassNames.places(of: ["x", one], in: [other, "x"]) == [1, 0])
    #expect(ClassNames.places(of: ["x", other], in: [one, "x"]) == [1, 0])
  }

  @Test func aNameThatIsThereIsNoSynonym() {
    #expect(ClassNames.places(of: ["sofa", "couch"], in: ["couch", "sofa"]) == [1, 0])
    #expect(ClassNames.places(of: ["couch"], in: ["sofa", "couch"]) == [1])
    #expect(ClassNames.places(of: ["sofa"], in: ["couch", "Couch_"]) == [nil])
    #expect(ClassNames.places(of: ["sofa", "couch"], in: ["couch"]) == [nil, 0])
  }

  @Test func whatBothKnowIsScoredAndTheRestSaid() throws {
    let mapping = try ClassMapping(["person"], to: categories(COCOClasses.names))
    #expect(mapping.categories == [1] && mapping.remarks.count == 1)
    for words in ["bicycle", "and 74 more", "79 of the data set's 80", "1 are scored"] {
      #expect(mapping.remarks[0].contains(words), "\(mapping.remarks)")
    }
    let half = try ClassMapping(["dog", "bat", "cat"], to: categories(["cat", "cow"]))
    #expect(half.categories == [nil, nil, 1] && half.remarks.count == 2)
  }

  @Test func equallyManyNamesMatchByPositionUnlessANameSaysOtherwise() throws {
    let position = try ClassMapping(["RBC", "cat"], to: categories(["red cell", "cat"]))
    #expect(position.categories == [1, 11] && position.remarks[0].contains("by position"))
    let named = try ClassMapping(["cat", "RBC"], to: categories(["red cell", "cat"]))
    #expect(named.categories == [11, nil] && named.remarks.count == 2)
  }

  @Test func learningTakesNoSetOfWhichItKnowsAPart() throws {
    let part = (["dog", "bat"], categories(["dog", "cow", "cat"]))
    #expect(throws: HeadError.self) { try ClassMapping(part.0, to: part.1, for: .learning) }
    #expect(try ClassMapping(part.0, to: part.1).categories == [1, nil])
    #expect(try ClassMapping(["dog"], to: part.1, for: .learning).categories == [1])
  }
}
