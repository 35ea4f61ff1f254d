import Foundation
import GraphIR
import ObjectDetection

extension RawHead {
  /// The maps of anchors that a network decodes: at each stride one of `A·(5 + C)` channels.
  init(mapsOfAnchors maps: [Map], _ site: HeadSite) throws {
    let fields = site.configuration.classes.count + 5
    levels = try site.byStride(maps).map { stride, members in
      let map = members[0]
      guard members.count == 1, maps[map].shape[1] % fields == 0 else {
        throw site.refusal(maps, "one map of \(fields) channels an anchor")
      }
      return HeadLevel(
        stride: stride, rows: maps[map].shape[2], columns: maps[map].shape[3],
        box: .init(map: map), classes: .init(map: map, first: 5),
        objectness: .init(map: map, first: 4))
    }
    guard !levels.isEmpty else { throw site.refusal(maps, "a map") }
    (taps, regMax) = (maps.map(\.name), 0)
    configuration = site.configuration
  }

  /// The head of a network that decodes the boxes of anchors.
  ///
  /// With all logits zero a decoded box is its anchor in the middle of its cell, in either coding.
  /// What a logit of the width changes tells whose rows are whose, and the coding.
  init(decodedAnchors site: HeadSite) throws {
    let maps = try site.lastMaps()
    try self.init(mapsOfAnchors: maps, site)
    let fields = site.configuration.classes.count + 5
    let tail = try DecodingTail(from: maps, to: site.graph.outputs.map(\.name), site)
    let probe = AnchorProbe(tail: tail, fields: fields, site: site, maps: maps)
    let rest = try probe.rows { _, _ in 0 }
    var codings: [AnchorCoding] = []
    var anchors: [[[Double]]] = []
    for level in levels {
      let count = maps[level.box.map].shape[1] / fields
      anchors.append(
        try (0..<count).map { anchor in
          let found = try probe.anchor(anchor, of: level, rest)
          codings.append(found.coding)
          return found.size
        })
    }
    guard let first = codings.first, codings.allSatisfy({ $0 == first }) else {
      throw probe.refusal("one formula for all anchors")
    }
    coding = first
    configuration.strides = levels.map(\.stride)
    configuration.anchors = anchors
  }
}

/// Reads anchors off what decoding does to known logits.
private struct AnchorProbe {
  var tail: DecodingTail
  var fields: Int
  var site: HeadSite
  var maps: [RawHead.Map]

  /// The logit that is tried.
  private static let logit: Float = 2
  /// The largest relative error of what is read.
  private static let tolerance = 2e-3

  func refusal(_ expected: String) -> RawHeadError {
    .shapes(
      family: site.configuration.family, expected: expected,
      found: ["another decoding before '\(site.graph.outputs.first?.name ?? "")'"])
  }

  /// The decoded rows `[boxes, 5 + C]` of the given logits.
  func rows(_ logits: (_ map: Int, _ channel: Int) -> Float) throws -> [Float] {
    guard let output = try tail.outputs(logits).first, output.shape.last == fields else {
      throw refusal("rows of \(fields) numbers")
    }
    return output.floats
  }

  /// The extents and the coding of one anchor of a scale.
  func anchor(
    _ anchor: Int, of level: HeadLevel, _ rest: [Float]
  ) throws -> (size: [Double], coding: AnchorCoding) {
    let first = anchor * fields
    let moved = try rows { map, channel in
      map == level.box.map && [first, first + 2].contains(channel) ? Self.logit : 0
    }
    let places = stride(from: 0, to: rest.count, by: fields).filter {
      !isNear(Double(moved[$0 + 2]), Double(rest[$0 + 2]))
    }
    let size = places.first.map { [Double(rest[$0 + 2]), Double(rest[$0 + 3])] } ?? []
    guard places.count == level.rows * level.columns, size.allSatisfy({ $0 > 0 }),
      places.allSatisfy({ place in
        (0..<2).allSatisfy { isNear(Double(rest[place + 2 + $0]), size[$0]) }
      }), let place = places.first
    else { throw refusal("boxes around anchors, in pixels") }
    let least = places.reduce(Double.infinity) { min($0, Double(rest[$1])) }
    guard isNear(least, Double(level.stride) / 2) else {
      throw refusal("centres in the middle of cells of \(level.stride) pixels")
    }
    let step = Double(moved[place] - rest[place]) / Double(level.stride)
    let growth = Double(moved[place + 2]) / size[0]
    let logit = Double(Self.logit)
    let sigma = 1 / (1 + exp(-logit))
    let isExponential = isNear(growth, exp(logit))
    guard isExponential || isNear(growth, 4 * sigma * sigma) else {
      throw refusal("extents of (2σ)² or e^x anchors")
    }
    let spread = (step / (sigma - 0.5) * 1000).rounded() / 1000
    guard spread >= 0.5, spread <= 4 else { throw refusal("centres by a sigmoid") }
    return (
      size.map { ($0 * 1000).rounded() / 1000 },
      AnchorCoding(spread: spread, isExponential: isExponential)
    )
  }

  private func isNear(_ a: Double, _ b: Double) -> Bool {
    abs(a - b) <= Self.tolerance * max(abs(a), abs(b))
  }
}
