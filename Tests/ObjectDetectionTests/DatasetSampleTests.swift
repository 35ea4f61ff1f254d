import Foundation
import ObjectDetection
import Testing

/// A seeded choice of some images of a set.
@Suite struct DatasetSampleTests {
  /// Images 10, 20, … with a box each whose left edge is the image's id.
  private static let set = Dataset(
    format: "made", source: URL(filePath: "made"), categories: [.init(id: 1, name: "a")],
    images: (1...40).map { .init(id: 10 * $0, file: URL(filePath: "\($0).png")) },
    annotations: (0..<40).map {
      .init(id: $0, image: $0, category: 1, x: Double(10 * ($0 + 1)), y: 0, width: 1, height: 1)
    })

  @Test func theSeedDecidesWhichImagesAndTheyStayInOrder() {
    let one = Self.set.sampled(8, seed: 3)
    #expect(one.images.count == 8 && one.images.map(\.id) == one.images.map(\.id).sorted())
    #expect(one.images == Self.set.sampled(8, seed: 3).images)
    #expect(one.images != Self.set.sampled(8, seed: 4).images)
    #expect(one.images != Array(Self.set.images.prefix(8)))
  }

  @Test func aSmallerSampleIsPartOfALargerOne() {
    let large = Set(Self.set.sampled(20, seed: 1).images)
    #expect(Set(Self.set.sampled(5, seed: 1).images).isSubset(of: large))
  }

  @Test func imagesKeepTheirLabels() {
    let one = Self.set.sampled(8, seed: 3)
    #expect(one.annotations.count == 8)
    #expect(one.annotations.allSatisfy { Double(one.images[$0.image].id) == $0.x })
  }

  @Test func theSampleSaysWhatItIsAndAWholeSetNothing() {
    let sample = Self.set.sampled(8, seed: 3).sample
    #expect(sample?.images == 8 && sample?.of == 40 && sample?.seed == 3)
    #expect(sample?.description == "8 of 40 images, seed 3")
    #expect(Self.set.sampled(40, seed: 3).sample == nil)
    #expect(Self.set.sampled(99, seed: 3).images.count == 40)
  }
}
