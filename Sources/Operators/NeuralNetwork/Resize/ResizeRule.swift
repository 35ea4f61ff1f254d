import Foundation
import GraphIR

/// How `Resize` maps places of the output to places of the input and mixes what lies there.
struct ResizeRule: Sendable, Equatable {
  /// What is mixed.
  enum Mode: String, Sendable { case nearest, linear, cubic }

  /// Where a place of the output lies on the input.
  enum Coordinates: String, Sendable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric
    case halfPixelForNearest = "tf_half_pixel_for_nn"
    case cropAndResize = "tf_crop_and_resize"
  }

  /// How `nearest` rounds.
  enum Rounding: String, Sendable {
    case preferFloor = "round_prefer_floor"
    case preferCeil = "round_prefer_ceil"
    case floor
    case ceil
    /// Up when shrinking, else down: the rule before opset 11, which no attribute names.
    case simple = ""
  }

  var mode = Mode.nearest
  var coordinates = Coordinates.halfPixel
  var rounding = Rounding.preferFloor
  /// The `a` of the cubic filter.
  var cubicCoefficient: Float = -0.75
  /// Whether taps outside of the input have weight 0 instead of repeating the border.
  var excludesOutside = false
  /// The value outside of the input for ``Coordinates/cropAndResize``.
  var extrapolation: Float = 0
  /// Whether shrinking widens the filter.
  var antialiases = false

  /// The rule of `Upsample` and of `Resize` before opset 11.
  init(simple mode: Mode) {
    self.mode = mode
    coordinates = .asymmetric
    rounding = .simple
  }

  /// The rule that attributes of opset 11 or later ask for.
  init(_ attributes: Attributes) throws {
    mode = try Self.choice("mode", attributes, default: .nearest)
    coordinates = try Self.choice(
      "coordinate_transformation_mode", attributes, default: .halfPixel)
    rounding = try Self.choice("nearest_mode", attributes, default: .preferFloor)
    cubicCoefficient = try attributes.float("cubic_coeff_a", default: -0.75)
    excludesOutside = try attributes.flag("exclude_outside", default: false)
    extrapolation = try attributes.float("extrapolation_value", default: 0)
    antialiases = try attributes.flag("antialias", default: false)
  }

  static func choice<Choice: RawRepresentable>(
    _ name: String, _ attributes: Attributes, default fallback: Choice
  ) throws -> Choice where Choice.RawValue == String {
    guard let text = try attributes.string(name) else { return fallback }
    guard let choice = Choice(rawValue: text), !text.isEmpty else {
      throw AttributeError.invalid(name: name, reason: "is '\(text)', which is not known")
    }
    return choice
  }

  /// The place on an axis of `input` elements that an output index stands for.
  ///
  /// - Parameters:
  ///   - scale: output elements per input element.
  ///   - region: the normalised ends of the region of interest.
  func original(
    _ index: Int, scale: Float, input: Int, output: Int, region: (start: Float, end: Float)
  ) -> Float {
    let x = Float(index)
    switch coordinates {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      let adjustment = Float(output) / (scale * Float(input))
      let center = Float(input) / 2
      return center * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return output > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return output > 1 ? x * Float(input - 1) / Float(output - 1) : 0
    case .asymmetric: return x / scale
    case .halfPixelForNearest: return (x + 0.5) / scale
    case .cropAndResize:
      let last = Float(input - 1)
      guard output > 1 else { return 0.5 * (region.start + region.end) * last }
      return region.start * last + x * (region.end - region.start) * last / Float(output - 1)
    }
  }

  /// The whole place nearest to `place`, before it is kept within the axis.
  func nearest(_ place: Float, shrinks: Bool) -> Float {
    switch rounding {
    case .preferFloor:
      place == place.rounded(.towardZero) + 0.5
        ? place.rounded(.down) : place.rounded(.toNearestOrAwayFromZero)
    case .preferCeil: place.rounded(.toNearestOrAwayFromZero)
    case .floor: place.rounded(.down)
    case .ceil: place.rounded(.up)
    case .simple: shrinks ? place.rounded(.up) : place.rounded(.towardZero)
    }
  }

  /// The weight of a tap at `distance` elements.
  func filter(_ distance: Float) -> Float {
    let x = abs(distance)
    guard mode == .cubic else { return max(0, 1 - x) }
    let a = cubicCoefficient
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
    return 0
  }
}
