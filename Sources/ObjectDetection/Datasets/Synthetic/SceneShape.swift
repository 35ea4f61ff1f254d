import Foundation

/// The outlines of objects in synthetic scenes, one for each class.
enum SceneShape: Int, CaseIterable, Sendable {
  case disc, ring, square, triangle, cross, star, crescent, hourglass

  /// The name of the class.
  var name: String { "\(self)" }

  /// The signed distance of a point to the outline, negative inside.
  ///
  /// A shape reaches about 1 from its centre.
  func distance(_ x: Float, _ y: Float) -> Float {
    let radius = (x * x + y * y).squareRoot()
    switch self {
    case .disc: return radius - 1
    case .ring: return abs(radius - 0.74) - 0.26
    case .square: return max(abs(x), abs(y)) - 0.84
    case .triangle: return Self.polygon(Self.trianglePoints, x, y)
    case .cross: return max(min(abs(x), abs(y)) - 0.33, max(abs(x), abs(y)) - 0.95)
    case .star: return Self.polygon(Self.starPoints, x, y)
    case .crescent:
      let bite = ((x - 0.48) * (x - 0.48) + y * y).squareRoot() - 0.78
      return max(radius - 1, -bite)
    case .hourglass: return Self.polygon(Self.hourglassPoints, x, y)
    }
  }

  /// Whether a point lies inside the outline or on it.
  ///
  /// Equals `distance(x, y) <= 0`, but needs no search for the nearest edge.
  func contains(_ x: Float, _ y: Float) -> Bool {
    switch self {
    case .triangle: Self.isInside(Self.trianglePoints, x, y)
    case .star: Self.isInside(Self.starPoints, x, y)
    case .hourglass: Self.isInside(Self.hourglassPoints, x, y)
    case .disc, .ring, .square, .cross, .crescent: distance(x, y) <= 0
    }
  }

  private static let trianglePoints: [SIMD2<Float>] = (0..<3).map { corner in
    let angle = Float(corner) * 2 * .pi / 3 - .pi / 2
    return SIMD2(cos(angle), sin(angle)) * 1.1
  }
  private static let starPoints: [SIMD2<Float>] = (0..<10).map { corner in
    let angle = Float(corner) * .pi / 5 - .pi / 2
    return SIMD2(cos(angle), sin(angle)) * (corner % 2 == 0 ? 1.08 : 0.46)
  }
  private static let hourglassPoints: [SIMD2<Float>] = [
    SIMD2(-0.8, -0.95), SIMD2(0.8, -0.95), SIMD2(0.12, 0), SIMD2(0.8, 0.95), SIMD2(-0.8, 0.95),
    SIMD2(-0.12, 0),
  ]

  /// The signed distance to a closed polygon: to the nearest edge, negative inside.
  private static func polygon(_ points: [SIMD2<Float>], _ x: Float, _ y: Float) -> Float {
    var nearest = Float.infinity
    var last = points[points.count - 1]
    for point in points {
      let (edge, away) = (last - point, SIMD2(x, y) - point)
      let along = min(max((away * edge).sum() / (edge * edge).sum(), 0), 1)
      let gap = away - edge * along
      nearest = min(nearest, (gap * gap).sum())
      last = point
    }
    return nearest.squareRoot() * (isInside(points, x, y) ? -1 : 1)
  }

  /// Whether a closed polygon holds a point, by the crossings of its edges to one side.
  private static func isInside(_ points: [SIMD2<Float>], _ x: Float, _ y: Float) -> Bool {
    var isInside = false
    var last = points[points.count - 1]
    for point in points {
      if (point.y > y) != (last.y > y),
        x < (last.x - point.x) * (y - point.y) / (last.y - point.y) + point.x
      {
        isInside.toggle()
      }
      last = point
    }
    return isInside
  }
}
