import Foundation

/// A picture of coloured shapes on a shaded, noisy ground, with the box of every shape.
struct Scene {
  /// What can stand in a scene; the raw value is the class index.
  enum Shape: Int, CaseIterable {
    case disc, square, triangle

    var name: String { "\(self)" }
  }

  /// One object: its class and box, xyxy in pixels.
  struct Object {
    var shape: Shape
    var left: Float
    var top: Float
    var right: Float
    var bottom: Float
  }

  static let side = 96
  /// Interleaved RGB, `side × side × 3`.
  private(set) var pixels: [UInt8]
  private(set) var objects: [Object] = []

  /// The scene that `seed` stands for.
  init(seed: UInt64) {
    var random = SplitMix(state: seed &* 0x9e37_79b9_7f4a_7c15 &+ 1)
    pixels = Self.ground(&random)
    for _ in 0..<Int.random(in: 1...4, using: &random) { place(&random) }
  }

  private static func ground(_ random: inout SplitMix) -> [UInt8] {
    let base = (0..<3).map { _ in Float.random(in: 40...120, using: &random) }
    let slope = (0..<2).map { _ in Float.random(in: -0.3...0.3, using: &random) }
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    for y in 0..<side {
      for x in 0..<side {
        let shade = slope[0] * Float(x) + slope[1] * Float(y)
        for channel in 0..<3 {
          let noise = Float.random(in: -12...12, using: &random)
          pixels[(y * side + x) * 3 + channel] = UInt8(
            max(0, min(255, base[channel] + shade + noise)))
        }
      }
    }
    return pixels
  }

  private mutating func place(_ random: inout SplitMix) {
    let shape = Shape.allCases.randomElement(using: &random) ?? .disc
    let width = Float.random(in: 14...40, using: &random)
    let height = width * Float.random(in: 0.8...1.25, using: &random)
    let left = Float.random(in: 0...(Float(Self.side) - width), using: &random)
    let top = Float.random(in: 0...(Float(Self.side) - height), using: &random)
    let object = Object(
      shape: shape, left: left, top: top, right: left + width, bottom: top + height)
    guard objects.allSatisfy({ !$0.overlaps(object) }) else { return }
    objects.append(object)
    var colour = (0..<3).map { _ in Float.random(in: 60...150, using: &random) }
    colour[shape.rawValue] = Float.random(in: 190...255, using: &random)
    paint(object, colour, &random)
  }

  private mutating func paint(_ object: Object, _ colour: [Float], _ random: inout SplitMix) {
    let rows = max(0, Int(object.top))..<min(Self.side, Int(object.bottom) + 1)
    let columns = max(0, Int(object.left))..<min(Self.side, Int(object.right) + 1)
    for y in rows {
      for x in columns where object.covers(Float(x) + 0.5, Float(y) + 0.5) {
        for channel in 0..<3 {
          let noise = Float.random(in: -10...10, using: &random)
          pixels[(y * Self.side + x) * 3 + channel] = UInt8(
            max(0, min(255, colour[channel] + noise)))
        }
      }
    }
  }
}

extension Scene.Object {
  var width: Float { right - left }
  var height: Float { bottom - top }
  var centre: (x: Float, y: Float) { ((left + right) / 2, (top + bottom) / 2) }

  func overlaps(_ other: Self) -> Bool {
    left < other.right && other.left < right && top < other.bottom && other.top < bottom
  }

  /// Whether the point lies inside the shape.
  func covers(_ x: Float, _ y: Float) -> Bool {
    let u = (x - centre.x) / (width / 2)
    let v = (y - centre.y) / (height / 2)
    return switch shape {
    case .disc: u * u + v * v <= 1
    case .square: abs(u) <= 1 && abs(v) <= 1
    case .triangle: abs(v) <= 1 && abs(u) <= (v + 1) / 2
    }
  }
}

/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): the example's source of randomness.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A standard normal number (Box and Muller 1958).
  mutating func normal() -> Float {
    let u = Double.random(in: Double.leastNonzeroMagnitude...1, using: &self)
    let v = Double.random(in: 0..<1, using: &self)
    return Float((-2 * log(u)).squareRoot() * cos(2 * Double.pi * v))
  }
}
