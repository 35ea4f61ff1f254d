import Tensors

/// A place that a head has a box for.
struct HeadPlace {
  /// The index among all places, scale by scale, cell by cell, anchor by anchor.
  var index = 0
  var level = 0
  var row = 0
  var column = 0
  var anchor = 0
}

/// The extents of a head's places.
struct HeadGrid {
  /// Rows and columns of each scale; empty for heads of rows alone.
  var scales: [(stride: Int, rows: Int, columns: Int)]
  /// Anchors of each scale's cells.
  var anchors: [Int]
  /// Places in all.
  var boxes: Int

  /// The places in order.
  var places: [HeadPlace] {
    guard !scales.isEmpty else { return (0..<boxes).map { HeadPlace(index: $0) } }
    var result: [HeadPlace] = []
    result.reserveCapacity(boxes)
    for (level, scale) in scales.enumerated() {
      for cell in 0..<scale.rows * scale.columns {
        for anchor in 0..<anchors[level] {
          result.append(
            HeadPlace(
              index: result.count, level: level, row: cell / scale.columns,
              column: cell % scale.columns, anchor: anchor))
        }
      }
    }
    return result
  }
}

/// One output as a table of the fields of each place.
struct FieldTable {
  private let values: [Float]
  private let axes: [[String]]
  private let grid: HeadGrid
  private let level: Int?
  private let extents: [Int]
  private let steps: [Int]
  private let fieldCount: (Int) -> Int
  private let image: Int
  /// The numbers between two fields of a place.
  let step: Int

  /// - Parameters:
  ///   - fieldCount: The numbers of the fields of one cell, by scale.
  /// - Throws: ``HeadError/outputs(family:reason:)`` where the shape is another.
  init(
    _ tensor: Tensor, _ output: HeadLayout.Output, grid: HeadGrid, image: Int,
    fieldCount: @escaping (Int) -> Int
  ) throws {
    (values, self.grid, self.level, self.image) = (tensor.floats, grid, output.level, image)
    self.fieldCount = fieldCount
    axes = output.axes.map { $0.split(separator: "*").map(String.init) }
    (extents, steps) = (tensor.shape, tensor.shape.contiguousStrides)
    var step = 0
    for (axis, names) in axes.enumerated() where axis < steps.count {
      guard let place = names.firstIndex(of: "fields") else { continue }
      let level = output.level ?? 0
      step =
        steps[axis]
        * names[(place + 1)...].reduce(1) {
          $0 * Self.extent($1, level, grid, fieldCount)
        }
    }
    self.step = step
    guard axes.count == tensor.shape.count else {
      throw Self.mismatch(output, tensor.shape, "\(axes.count) axes")
    }
    for (axis, names) in axes.enumerated() where names != ["batch"] {
      let expected = extent(of: names)
      guard expected == tensor.shape[axis] else {
        throw Self.mismatch(
          output, tensor.shape, "\(expected) of \(names.joined(separator: "*")) on axis \(axis)")
      }
    }
  }

  private static func mismatch(
    _ output: HeadLayout.Output, _ shape: [Int], _ expected: String
  ) -> HeadError {
    .outputs(
      family: "described", reason: "'\(output.output)' should have \(expected), found \(shape)")
  }

  private static func extent(
    _ name: String, _ level: Int, _ grid: HeadGrid, _ fieldCount: (Int) -> Int
  ) -> Int {
    switch name {
    case "rows": grid.scales[level].rows
    case "columns": grid.scales[level].columns
    case "cells": grid.scales[level].rows * grid.scales[level].columns
    case "anchors": grid.anchors[level]
    case "boxes": grid.boxes
    case "fields": fieldCount(level)
    default: 1
    }
  }

  private func extent(of names: [String]) -> Int {
    guard names.contains("levels") else {
      return names.reduce(1) { $0 * Self.extent($1, level ?? 0, grid, fieldCount) }
    }
    return grid.scales.indices.reduce(0) { sum, level in
      sum + names.reduce(1) { $0 * Self.extent($1, level, grid, fieldCount) }
    }
  }

  /// Where the first field of a place is.
  func start(of place: HeadPlace) -> Int {
    var offset = 0
    for (axis, names) in axes.enumerated() {
      if names == ["batch"] {
        offset += min(image, extents[axis] - 1) * steps[axis]
        continue
      }
      var index = 0
      for name in names {
        let part =
          switch name {
          case "rows": place.row
          case "columns": place.column
          case "cells": place.row * grid.scales[place.level].columns + place.column
          case "anchors": place.anchor
          case "boxes": place.index
          default: 0
          }
        index = index * Self.extent(name, place.level, grid, fieldCount) + part
      }
      if names.contains("levels") {
        index += (0..<place.level).reduce(0) { sum, level in
          sum + names.reduce(1) { $0 * Self.extent($1, level, grid, fieldCount) }
        }
      }
      offset += index * steps[axis]
    }
    return offset
  }

  /// One number.
  func value(_ offset: Int) -> Float { values[offset] }

  /// A number as an index; `nil` for one that is none.
  func index(_ offset: Int) -> Int? {
    let value = values[offset].rounded()
    return value.magnitude < 1e6 ? Int(value) : nil
  }
}
