import Foundation
import Tensors

/// The distance between a head's raw maps and those of another network, for training without
/// labels.
///
/// s are the logits of this network, t those of the other one, and o its objectness logit; without
/// an objectness, σ(o) is 1. The other network's confidence in a cell is `p = max_c σ(t_c) · σ(o)`,
/// and `Z = max(Σ p, N)` over a batch of N images. The loss has two parts:
///
/// - `classes = 1/Z Σ_cells σ(o) Σ_c [H(σ(t_c), σ(s_c)) − H(σ(t_c))]`, and the same for objectness
///   in every cell, without the factor σ(o);
/// - `boxes = 1/Z Σ_cells p · D`. D is the mean over the four sides of `KL(softmax t ‖ softmax s)`
///   where boxes are distributions, and of `½ (s − t)²` of the raw numbers elsewhere.
///
/// So boxes count only where the other network finds an object. With an objectness the same holds
/// for classes, because class scores were not trained where there is no object.
///
/// Reference: Hinton, Vinyals and Dean, *Distilling the Knowledge in a Neural Network*, 2015,
/// arXiv:1503.02531, in the binary form; Zheng et al., *Localization Distillation for Dense Object
/// Detection*, CVPR 2022, arXiv:2102.12252, for the distributions; Mehta and Ozturk, *Object
/// Detection at 200 Frames Per Second*, ECCV Workshops 2018, arXiv:1805.06361, for classes weighted
/// by objectness. Deviations: temperature 1, and cells weighted by confidence.
public struct HeadMatching: Sendable {
  private let levels: [HeadLevel]
  private let classes: Int
  /// Bins of a distance; 1 where a side is a single number.
  private let bins: Int

  /// The distance on the maps of a head; `nil` for heads without scales.
  public init?(_ head: RawHead) {
    guard !head.levels.isEmpty else { return nil }
    levels = head.levels
    classes = head.configuration.classes.count
    bins = head.regMax > 0 ? head.regMax + 1 : 1
  }

  /// The parts of the value.
  public static let partNames = ["classes", "boxes"]

  /// Returns the distance, and adds its gradient to the maps' gradients.
  ///
  /// - Parameters:
  ///   - references: The other network's maps, laid out like `maps`.
  ///   - pool: The threads to compute with; the result does not depend on their number.
  public func evaluate(
    _ maps: [RawMap], _ references: [UnsafePointer<Float>],
    pool: ThreadPool = ThreadPool(threads: 1)
  ) -> LossValue {
    let images = maps.first?.shape.first ?? 1
    var cells = [[Cell]](repeating: [], count: images)
    cells.withUnsafeMutableBufferPointer { memory in
      let slots = memory
      pool.forEach(images) { image in
        slots[image] = levels.flatMap { self.cells(of: $0, image, maps, references) }
      }
    }
    let confidence = cells.reduce(0) { $0 + $1.reduce(0) { $0 + Double($1.confidence) } }
    let total = max(confidence, Double(images))
    var parts = [[Double]](repeating: [], count: images)
    parts.withUnsafeMutableBufferPointer { memory in
      let slots = memory
      pool.forEach(images) { image in
        slots[image] = self.parts(cells[image], maps, references, scale: Float(1 / total))
      }
    }
    return LossValue(
      parts: Self.partNames.indices.map { part in parts.reduce(0) { $0 + $1[part] } / total })
  }

  /// The sums of one image's cells; adds their gradients, times `scale`.
  private func parts(
    _ cells: [Cell], _ maps: [RawMap], _ references: [UnsafePointer<Float>], scale: Float
  ) -> [Double] {
    var parts = [0.0, 0.0]
    for cell in cells {
      let (map, reference) = (maps[cell.classes.map], references[cell.classes.map])
      let share = cell.objectness.map { sigmoid(references[$0.map][$0.offset]) } ?? 1
      for index in 0..<classes where share > Self.leastConfidence {
        parts[0] +=
          Double(share)
          * Self.crossEntropy(
            map, reference, cell.classes.offset + index * cell.classes.step, scale * share)
      }
      if let place = cell.objectness {
        parts[0] += Self.crossEntropy(maps[place.map], references[place.map], place.offset, scale)
      }
      guard cell.confidence > Self.leastConfidence else { continue }
      let weight = scale * cell.confidence / 4
      for side in 0..<4 {
        let first = cell.box.offset + side * bins * cell.box.step
        parts[1] +=
          Double(cell.confidence) / 4
          * distance(maps[cell.box.map], references[cell.box.map], first, cell.box.step, weight)
      }
    }
    return parts
  }

  /// Boxes of cells with a lower confidence, and classes of cells with a lower objectness, do not
  /// count.
  private static let leastConfidence: Float = 1e-3

  // MARK: Cells

  /// The offset of a cell's first channel in a map, and the distance between channels.
  private struct Place {
    var map: Int
    var offset: Int
    var step: Int
  }

  private struct Cell {
    var confidence: Float
    var box: Place
    var classes: Place
    var objectness: Place?
  }

  private func cells(
    of level: HeadLevel, _ image: Int, _ maps: [RawMap], _ references: [UnsafePointer<Float>]
  ) -> [Cell] {
    let plane = level.rows * level.columns
    // A map with all numbers of a cell holds its anchors one after another.
    let fields = classes + 5
    let isAnchored =
      level.objectness?.map == level.classes.map && level.box.map == level.classes.map
    let anchors = isAnchored ? maps[level.classes.map].shape[1] / fields : 1
    var result: [Cell] = []
    result.reserveCapacity(plane * anchors)
    for anchor in 0..<anchors {
      for cell in 0..<plane {
        func place(_ channels: HeadLevel.Channels) -> Place {
          let first = image * maps[channels.map].shape[1] + anchor * fields + channels.first
          return Place(map: channels.map, offset: first * plane + cell, step: plane)
        }
        let (own, objectness) = (place(level.classes), level.objectness.map(place))
        let reference = references[own.map]
        var best = -Float.infinity
        for index in 0..<classes { best = max(best, reference[own.offset + index * own.step]) }
        var confidence = sigmoid(best)
        if let objectness {
          confidence *= sigmoid(references[objectness.map][objectness.offset])
        }
        result.append(
          Cell(
            confidence: confidence, box: place(level.box), classes: own, objectness: objectness))
      }
    }
    return result
  }

  // MARK: Distances

  /// `H(σ(t), σ(s)) − H(σ(t))` of one logit.
  private static func crossEntropy(
    _ map: RawMap, _ reference: UnsafePointer<Float>, _ place: Int, _ scale: Float
  ) -> Double {
    let (s, t) = (map.values[place], sigmoid(reference[place]))
    map.gradient[place] += scale * (sigmoid(s) - t)
    func softplus(_ x: Float) -> Float { max(x, 0) + log1p(exp(-x.magnitude)) }
    let r = reference[place]
    return Double(softplus(s) - t * s - softplus(r) + t * r)
  }

  /// The distance of one side; adds its weighted gradient.
  private func distance(
    _ map: RawMap, _ reference: UnsafePointer<Float>, _ first: Int, _ step: Int, _ weight: Float
  ) -> Double {
    guard bins > 1 else {
      let error = map.values[first] - reference[first]
      map.gradient[first] += weight * error
      return Double(error * error) / 2
    }
    func normalizer(_ values: UnsafePointer<Float>) -> Float {
      var largest = -Float.infinity
      for bin in 0..<bins { largest = max(largest, values[first + bin * step]) }
      var sum: Float = 0
      for bin in 0..<bins { sum += exp(values[first + bin * step] - largest) }
      return largest + log(sum)
    }
    let (own, other) = (normalizer(map.values), normalizer(reference))
    var divergence: Float = 0
    for bin in 0..<bins {
      let place = first + bin * step
      let (s, t) = (map.values[place] - own, reference[place] - other)
      let share = exp(t)
      divergence += share * (t - s)
      map.gradient[place] += weight * (exp(s) - share)
    }
    return Double(divergence)
  }
}
