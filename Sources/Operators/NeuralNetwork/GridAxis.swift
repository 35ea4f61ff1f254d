/// How places along one axis become elements to mix.
struct GridAxis: Sendable {
  let extent: Int
  let stride: Int
  let mode: GridSample.Mode
  let padding: GridSample.Padding
  let alignsCorners: Bool

  /// The elements mixed into one.
  var taps: Int {
    switch mode {
    case .nearest: 1
    case .linear: 2
    case .cubic: 4
    }
  }

  /// Writes down which elements lie about a place from −1 to 1, and their weights; −1 stands for
  /// zero.
  func mix<Real: BinaryFloatingPoint>(
    _ place: Real, into places: UnsafeMutablePointer<Int>, _ weights: UnsafeMutablePointer<Real>
  ) {
    var x =
      alignsCorners
      ? (place + 1) / 2 * Real(extent - 1) : ((place + 1) * Real(extent) - 1) / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    // Cubic mixtures are of elements that are brought inside one by one, as in PyTorch.
    if mode != .cubic { x = padded(x) }
    guard x.isFinite, abs(x) < Real(1 << 26) else {
      for tap in 0..<taps { (places[tap], weights[tap]) = (-1, 0) }
      return
    }
    let first = x.rounded(.down)
    let fraction = x - first
    switch mode {
    case .nearest: weights[0] = 1
    case .linear: (weights[0], weights[1]) = (1 - fraction, fraction)
    case .cubic: for tap in 0..<4 { weights[tap] = cubic(abs(fraction + 1 - Real(tap))) }
    }
    let start = Int(first) - (mode == .cubic ? 1 : 0)
    for tap in 0..<taps { places[tap] = element(start + tap, Real.self) }
  }

  /// The cubic filter with a = −0.75, as PyTorch has it.
  private func cubic<Real: BinaryFloatingPoint>(_ distance: Real) -> Real {
    let (a, x) = (Real(-0.75), distance)
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }

  /// A place brought within the input, as far as the padding says so.
  private func padded<Real: BinaryFloatingPoint>(_ x: Real) -> Real {
    switch padding {
    case .zeros: return x
    case .border: return x.isNaN ? 0 : max(0, min(Real(extent - 1), x))
    case .reflection: return reflected(x)
    }
  }

  private func reflected<Real: BinaryFloatingPoint>(_ x: Real) -> Real {
    let low: Real = alignsCorners ? 0 : -0.5
    let range = Real(alignsCorners ? extent - 1 : extent)
    guard x.isFinite, range > 0 else { return 0 }
    guard x < low || x > low + range else { return x }
    let distance = x < low ? low - x : x - low - range
    let turns = (distance / range).rounded(.towardZero)
    let rest = distance - turns * range
    let isBack = (turns.truncatingRemainder(dividingBy: 2) == 0) == (x < low)
    return isBack ? low + rest : low + range - rest
  }

  private func element<Real: BinaryFloatingPoint>(_ place: Int, _: Real.Type) -> Int {
    if place >= 0, place < extent { return place * stride }
    if padding == .zeros { return -1 }
    let inside = padding == .border ? Real(place) : reflected(Real(place))
    return max(0, min(extent - 1, Int(inside.rounded(.towardZero)))) * stride
  }
}
