import ObjectDetection
import Tensors

/// A picture of coloured shapes on a shaded, noisy ground, with the box of every shape.
public struct Scene: Sendable, Equatable {
  /// What can stand in a scene; the raw value is the class index.
  public enum Shape: Int, CaseIterable, Sendable {
    case disc, square, triangle

    /// The class name.
    public var name: String { "\(self)" }
  }

  /// One object: its class and box, xyxy in pixels.
  public struct Object: Sendable, Equatable {
    /// The class.
    public var shape: Shape
    /// The left edge.
    public var left: Float
    /// The upper edge.
    public var top: Float
    /// The right edge.
    public var right: Float
    /// The lower edge.
    public var bottom: Float
  }

  /// Rows and columns of every scene.
  public static let side = 96
  /// What stands in the scene; no two boxes overlap.
  public private(set) var objects: [Object] = []
  /// Interleaved RGB, `side × side × 3`.
  private var pixels: [UInt8]

  /// The picture.
  public var image: PixelBuffer { PixelBuffer(width: Self.side, height: Self.side, pixels: pixels) }

  /// The scene that `seed` stands for.
  public init(seed: UInt64) {
    var random = CounterRandom(seed: seed)
    pixels = Self.ground(&random)
    for _ in 0..<Int.random(in: 1...4, using: &random) { place(&random) }
  }

  /// Scenes to fit to and scenes to measure on; no seed occurs in both.
  public static func split(
    seed: UInt64, training: Int, validation: Int
  ) -> (training: [Scene], validation: [Scene]) {
    var seeds = CounterRandom(seed: seed, stream: 1)
    let all = (0..<training + validation).map { _ in Scene(seed: seeds.next()) }
    return (Array(all.prefix(training)), Array(all.suffix(validation)))
  }

  private static func ground(_ random: inout CounterRandom) -> [UInt8] {
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

  private mutating func place(_ random: inout CounterRandom) {
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

  private mutating func paint(_ object: Object, _ colour: [Float], _ random: inout CounterRandom) {
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
  /// Columns of the box.
  var width: Float { right - left }
  var height: Float { bottom - top }
  var centre: (x: Float, y: Float) { ((left + right) / 2, (top + bottom) / 2) }

  /// Whether the boxes share area.
  package func overlaps(_ other: Self) -> Bool {
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
