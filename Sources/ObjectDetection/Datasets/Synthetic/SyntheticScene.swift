import Foundation
import Tensors

/// A rendered picture of shapes on a textured background, determined by a seed and a number.
///
/// The classes differ in outline alone. Size, rotation, colour, texture, light, noise, blur,
/// occlusion and clutter vary, so that a detector has to learn the outlines. Equal seeds, numbers
/// and sizes give equal pixels.
public struct SyntheticScene: Hashable, Sendable {
  /// The seed of the set.
  public var seed: UInt64
  /// The number of the scene in the set.
  public var index: Int
  /// Rows and columns.
  public var size: Int

  /// The scene of a number in the set of a seed.
  public init(seed: UInt64, index: Int, size: Int) {
    self.seed = seed
    self.index = index
    self.size = size
  }

  /// The names of the classes.
  public static let classNames = SceneShape.allCases.map(\.name)

  /// One object: its class, position, size, rotation and material.
  struct Object {
    var shape: SceneShape
    var x: Float
    var y: Float
    var radius: Float
    /// Width over height.
    var aspect: Float
    var angle: Float
    var material: SceneMaterial
  }

  /// What is drawn, back to front, and the random numbers for what follows.
  func layout() -> (objects: [Object], random: CounterRandom) {
    var random = CounterRandom(seed: seed, stream: UInt64(index))
    let extent = Float(size)
    var objects: [Object] = []
    for _ in 0..<Int.random(in: 1...7, using: &random) {
      let shape = SceneShape.allCases[Int.random(in: 0..<SceneShape.allCases.count, using: &random)]
      // Log-uniform diameters from a sixteenth to a little above half of the picture.
      let radius = extent / 32 * pow(18, Float.random(in: 0..<1, using: &random))
      let margin = radius * 0.7
      let object = Object(
        shape: shape, x: Float.random(in: margin...(extent - margin), using: &random),
        y: Float.random(in: margin...(extent - margin), using: &random), radius: radius,
        aspect: Float.random(in: 0.75...1.3, using: &random),
        angle: Float.random(in: 0..<(2 * .pi), using: &random),
        material: SceneMaterial(&random))
      objects.append(object)
    }
    // Large objects are drawn behind small ones, so that they do not hide them.
    objects.sort { ($1.radius, $0.x) < ($0.radius, $1.x) }
    return (objects, random)
  }
}

/// How a surface looks.
struct SceneMaterial {
  var colour: SIMD3<Float>
  var second: SIMD3<Float>
  /// 0 plain, 1 stripes, 2 cloudy, 3 shaded from one side to the other.
  var pattern: Int
  /// The cosine of the angle of stripes and shading.
  var cosine: Float
  var sine: Float
  var period: Float

  init(_ random: inout CounterRandom) {
    func colour(_ random: inout CounterRandom) -> SIMD3<Float> {
      SIMD3(
        Float.random(in: 20...235, using: &random), Float.random(in: 20...235, using: &random),
        Float.random(in: 20...235, using: &random))
    }
    self.colour = colour(&random)
    let other = colour(&random)
    second = self.colour + (other - self.colour) * Float.random(in: 0.2...0.6, using: &random)
    pattern = Int.random(in: 0..<4, using: &random)
    let angle = Float.random(in: 0..<(2 * .pi), using: &random)
    (cosine, sine) = (cos(angle), sin(angle))
    period = Float.random(in: 4...14, using: &random)
  }

  /// The colour at a point; `cloud` lies between 0 and 1.
  func colour(_ x: Float, _ y: Float, cloud: @autoclosure () -> Float) -> SIMD3<Float> {
    let along = x * cosine + y * sine
    let part: Float
    switch pattern {
    case 1: part = 0.5 + 0.5 * sin(along * 2 * .pi / period)
    case 2: part = cloud()
    case 3: part = min(max(0.5 + along / (period * 6), 0), 1)
    default: part = 0
    }
    return colour + (second - colour) * part
  }
}
