import Foundation
import Tensors

/// Draws a ``SyntheticScene``; ``SceneOutlines`` finds the boxes of its objects.
struct SceneRenderer {
  private let scene: SyntheticScene
  private let size: Int
  private var pixels: [SIMD3<Float>]
  private var random: CounterRandom
  private let objects: [SyntheticScene.Object]
  private let clouds: CloudField

  init(_ scene: SyntheticScene) {
    self.scene = scene
    size = scene.size
    (objects, random) = scene.layout()
    pixels = Array(repeating: SIMD3(), count: size * size)
    clouds = CloudField(&random)
    drawGround()
    drawClutter()
    for object in objects { draw(object) }
  }

  // MARK: Drawing

  private mutating func drawGround() {
    let material = SceneMaterial(&random)
    let depth = Float.random(in: 0.3...0.9, using: &random)
    for row in 0..<size {
      for column in 0..<size {
        let (x, y) = (Float(column), Float(row))
        let cloud = clouds.value(x * 0.35, y * 0.35)
        let colour = material.colour(x * 0.5, y * 0.5, cloud: cloud)
        pixels[row * size + column] = colour * (1 - depth * 0.5 + depth * cloud)
      }
    }
  }

  /// Bars and blots that are not objects.
  private mutating func drawClutter() {
    for _ in 0..<Int.random(in: 2...7, using: &random) {
      let material = SceneMaterial(&random)
      let length = Float.random(in: 4...(Float(size) / 3), using: &random)
      let width = Float.random(in: 1...4, using: &random)
      let angle = Float.random(in: 0..<(2 * .pi), using: &random)
      let centre = SIMD2(
        Float.random(in: 0..<Float(size), using: &random),
        Float.random(in: 0..<Float(size), using: &random))
      let isBlot = Bool.random(using: &random)
      let (cosine, sine) = (cos(angle), sin(angle))
      let covered = SceneCoverage.pixels(
        in: size, rows: SceneCoverage.reached(from: centre.y, by: length + 2, in: size),
        columns: SceneCoverage.reached(from: centre.x, by: length + 2, in: size)
      ) { x, y in
        let (dx, dy) = (x - centre.x, y - centre.y)
        let along = dx * cosine + dy * sine
        let across = -dx * sine + dy * cosine
        if isBlot {
          let edge = clouds.value(x * 0.8, y * 0.8) * 0.8 + 0.5
          return ((along * along + across * across * 4).squareRoot() - length * 0.35 * edge)
        }
        return max(abs(along) - length, abs(across) - width)
      }
      for (place, part, x, y) in covered {
        let colour = material.colour(x, y, cloud: clouds.value(x, y))
        pixels[place] += (colour - pixels[place]) * part
      }
    }
  }

  private mutating func draw(_ object: SyntheticScene.Object) {
    for (place, part, x, y) in object.coverage(in: size) {
      let colour = object.material.colour(
        x - object.x, y - object.y, cloud: clouds.value(x * 0.7, y * 0.7))
      pixels[place] += (colour - pixels[place]) * part
    }
  }

  // MARK: Camera

  /// The picture as a camera sees it: light that falls off, blur and noise.
  func image() -> PixelBuffer {
    var random = random
    let angle = Float.random(in: 0..<(2 * .pi), using: &random)
    let fall = Float.random(in: 0...0.5, using: &random)
    let gain = Float.random(in: 0.7...1.15, using: &random)
    let noise = Float.random(in: 2...14, using: &random)
    let isBlurred = Int.random(in: 0..<3, using: &random) == 0
    let source = isBlurred ? blurred() : pixels
    let (cosine, sine) = (cos(angle), sin(angle))
    var bytes = [UInt8](repeating: 0, count: size * size * 3)
    for row in 0..<size {
      for column in 0..<size {
        let along = (Float(column) * cosine + Float(row) * sine) / Float(size)
        let light = gain * (1 - fall * (0.5 + 0.5 * along))
        let colour = source[row * size + column] * light
        let bits = random.next()
        for channel in 0..<3 {
          // The sum of two uniform numbers is close enough to a sensor's noise.
          let first = Float(bits >> UInt64(16 * channel) & 0xff) / 255
          let second = Float(bits >> UInt64(16 * channel + 8) & 0xff) / 255
          let value = colour[channel] + noise * (first + second - 1)
          bytes[(row * size + column) * 3 + channel] = UInt8(min(max(value, 0), 255))
        }
      }
    }
    return PixelBuffer(width: size, height: size, pixels: bytes)
  }

  private func blurred() -> [SIMD3<Float>] {
    var result = pixels
    for row in 1..<(size - 1) {
      for column in 1..<(size - 1) {
        let at = row * size + column
        let cross = pixels[at - 1] + pixels[at + 1] + pixels[at - size] + pixels[at + size]
        result[at] = (pixels[at] * 2 + cross) / 6
      }
    }
    return result
  }
}

/// Smooth noise between 0 and 1 in three octaves.
struct CloudField {
  private let lattice: [Float]
  private static let side = 32

  init(_ random: inout CounterRandom) {
    lattice = (0..<Self.side * Self.side).map { _ in Float.random(in: 0..<1, using: &random) }
  }

  /// The noise at a point; its largest features are about eight units wide.
  func value(_ x: Float, _ y: Float) -> Float {
    0.55 * octave(x / 8, y / 8) + 0.3 * octave(x / 4, y / 4) + 0.15 * octave(x / 2, y / 2)
  }

  private func octave(_ x: Float, _ y: Float) -> Float {
    let (column, row) = (x.rounded(.down), y.rounded(.down))
    func smooth(_ t: Float) -> Float { t * t * (3 - 2 * t) }
    let (u, v) = (smooth(x - column), smooth(y - row))
    let mask = Self.side - 1
    let (i, j) = (Int(column) & mask, Int(row) & mask)
    let (i1, j1) = ((i + 1) & mask, (j + 1) & mask)
    return lattice.withUnsafeBufferPointer { lattice in
      let top = lattice[j * Self.side + i] * (1 - u) + lattice[j * Self.side + i1] * u
      let bottom = lattice[j1 * Self.side + i] * (1 - u) + lattice[j1 * Self.side + i1] * u
      return top * (1 - v) + bottom * v
    }
  }
}
