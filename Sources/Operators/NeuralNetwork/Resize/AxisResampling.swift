/// Which elements of an axis each element of the resized axis is mixed of, and with which weights.
struct AxisResampling: Sendable {
  /// The extent of the axis before.
  var input: Int
  /// The extent after.
  var output: Int
  /// The elements mixed into one.
  var taps: Int
  /// The mixed elements' places `[output, taps]`.
  var places: [Int32]
  /// Their weights `[output, taps]`; empty when `taps` is 1.
  var weights: [Float]
  /// Whether an element lies outside of the input and takes the extrapolation value; empty when
  /// none does.
  var outside: [Bool]

  /// Whether the axis stays as it is.
  var isIdentity: Bool {
    taps == 1 && input == output && outside.isEmpty
      && places.indices.allSatisfy { Int(places[$0]) == $0 }
  }

  /// The mixture that a rule prescribes.
  init(
    _ rule: ResizeRule, input: Int, output: Int, scale: Float, region: (start: Float, end: Float)
  ) {
    (self.input, self.output) = (input, output)
    (taps, places, weights, outside) = (1, [], [], [])
    let isMoved = scale != 1 || input != output || rule.coordinates == .cropAndResize
    guard isMoved else {
      places = (0..<Int32(output)).map { $0 }
      return
    }
    let originals = (0..<output).map {
      rule.original($0, scale: scale, input: input, output: output, region: region)
    }
    if rule.coordinates == .cropAndResize {
      outside = originals.map { $0 < 0 || $0 > Float(input - 1) }
      if !outside.contains(true) { outside = [] }
    }
    switch rule.mode {
    case .nearest: nearest(rule, originals, shrinks: scale < 1)
    case .linear, .cubic:
      if rule.antialiases {
        antialias(rule, originals, scale: scale)
      } else if rule.mode == .linear {
        linear(originals)
      } else {
        cubic(rule, originals)
      }
    }
  }

  private func clamped(_ place: Float) -> Int32 {
    place.isNaN ? 0 : Int32(max(0, min(Float(input - 1), place)))
  }

  private mutating func nearest(_ rule: ResizeRule, _ originals: [Float], shrinks: Bool) {
    places = originals.map { clamped(rule.nearest($0, shrinks: shrinks)) }
  }

  private mutating func linear(_ originals: [Float]) {
    taps = 2
    for original in originals {
      let place = max(0, min(Float(input - 1), original))
      let first = clamped(place)
      let second = min(first + 1, Int32(input - 1))
      places += [first, second]
      let fraction = place - Float(first)
      weights += first == second ? [0.5, 0.5] : [1 - fraction, fraction]
    }
  }

  private mutating func cubic(_ rule: ResizeRule, _ originals: [Float]) {
    taps = 4
    for original in originals {
      let first = original.rounded(.down) - 1
      let candidates = (0..<4).map { first + Float($0) }
      var mix = candidates.map { rule.filter(original - $0) }
      if rule.excludesOutside {
        for (tap, place) in candidates.enumerated() where place < 0 || place > Float(input - 1) {
          mix[tap] = 0
        }
        let sum = mix.reduce(0, +)
        if sum != 0 { mix = mix.map { $0 / sum } }
      }
      places += candidates.map(clamped)
      weights += mix
    }
  }

  private mutating func antialias(_ rule: ResizeRule, _ originals: [Float], scale: Float) {
    let reach: Float = (rule.mode == .linear ? 1 : 2) * max(1, 1 / scale)
    let narrowing = min(1, scale)
    var rows: [(places: [Int32], weights: [Float])] = []
    for original in originals {
      let center = original + 0.5
      var first = (center - reach + 0.5).rounded(.down)
      var last = (center + reach + 0.5).rounded(.down)
      if rule.excludesOutside { (first, last) = (max(first, 0), min(last, Float(input))) }
      let candidates = (0..<Int(max(0, min(last - first, Float(1 << 24))))).map {
        first + Float($0)
      }
      let mix = candidates.map { rule.filter(($0 - center + 0.5) * narrowing) }
      let sum = mix.reduce(0, +)
      rows.append((candidates.map(clamped), sum == 0 ? mix : mix.map { $0 / sum }))
    }
    taps = max(1, rows.map(\.places.count).max() ?? 1)
    for row in rows {
      places += row.places + [Int32](repeating: 0, count: taps - row.places.count)
      weights += row.weights + [Float](repeating: 0, count: taps - row.weights.count)
    }
  }
}
