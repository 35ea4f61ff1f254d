import Execution
import Foundation
import GraphIR
import ObjectDetection
import Tensors

extension RawHead {
  /// An SSD head that decodes its boxes into corners relative to the image.
  ///
  /// With all offsets zero a box is its prior. What an offset of one changes tells the variances.
  init(decodedPriors site: HeadSite) throws {
    let family = site.configuration.family
    let (logits, boxes) = Self.softmaxOutputs(site.graph)
    guard logits.count == 1, boxes.count == 1 else {
      throw RawHeadError.shapes(
        family: family, expected: "scores by a softmax and boxes",
        found: site.graph.outputs.map(\.name))
    }
    let offsets = try Self.offsets(before: boxes[0], site)
    let tail = try DecodingTail(from: [offsets], to: boxes, site)
    func decoded(_ offset: [Float]) throws -> [SIMD4<Double>] {
      let values = try tail.outputs { _, field in offset[field] }[0].floats.map(Double.init)
      return stride(from: 0, to: values.count, by: 4).map {
        SIMD4(values[$0], values[$0 + 1], values[$0 + 2], values[$0 + 3])
          * SIMD4(
            Double(site.width), Double(site.height), Double(site.width), Double(site.height))
      }
    }
    let rest = try decoded([0, 0, 0, 0])
    let moved = try decoded([1, 0, 1, 0])
    var variances: [SIMD2<Double>] = []
    for (prior, box) in zip(rest, moved) {
      let (width, wider) = (prior.z - prior.x, box.z - box.x)
      let shift = (box.x + box.z - prior.x - prior.z) / 2
      guard width > 0, wider > 0 else { break }
      variances.append(SIMD2(shift / width, log(wider / width)))
    }
    let mean = variances.reduce(SIMD2(), +) / Double(max(variances.count, 1))
    guard variances.count == rest.count, mean.x > 0, mean.y > 0,
      variances.allSatisfy({ abs($0.x - mean.x) < 5e-3 && abs($0.y - mean.y) < 5e-3 })
    else {
      throw RawHeadError.shapes(
        family: family, expected: "boxes around priors, in corners relative to the image",
        found: ["another decoding before '\(boxes[0])'"])
    }
    taps = logits + [offsets.name]
    (levels, regMax) = ([], 0)
    priors = rest.map { Box(left: $0.x, top: $0.y, right: $0.z, bottom: $0.w) }
    configuration = site.configuration
    configuration.variances = [mean.x, mean.y].map { ($0 * 1000).rounded() / 1000 }
  }

  /// The last value `[N, priors, 4]` before boxes that convolutions reach by moving elements alone.
  private static func offsets(before boxes: String, _ site: HeadSite) throws -> Map {
    let links = Connectivity(site.graph)
    var reached = Set(site.graph.lastConvolutions(before: [boxes], site.registry))
    var found: [String] = []
    for node in site.graph.nodes where moving.contains(node.qualifiedType) {
      let sources = node.qualifiedType == "Concat" ? node.inputs : [node.inputs[0]]
      guard sources.allSatisfy(reached.contains) else { continue }
      reached.formUnion(node.outputs)
      found += node.outputs
    }
    let named = try site.maps(found + [boxes])
    guard let whole = named.last?.shape,
      let offsets = named.dropLast().last(where: { map in
        map.shape == whole && links.consumers[map.name] != nil
      })
    else {
      throw RawHeadError.shapes(
        family: site.configuration.family, expected: "offsets of all priors in one value",
        found: found)
    }
    return offsets
  }

  private static let moving: Set<String> = [
    "Reshape", "Transpose", "Concat", "Flatten", "Squeeze", "Unsqueeze", "Identity",
  ]
}
