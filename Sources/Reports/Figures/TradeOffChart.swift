import Foundation

/// Models as points of cost and worth, with the Pareto front marked.
public struct TradeOffChart: Chart {
  /// One model, or the mean of several with equal settings.
  public struct Point: Sendable {
    /// Its name.
    public var name: String
    /// Its cost.
    public var cost: Double
    /// Its worth, such as mAP.
    public var worth: Double
    /// The ends of the bar through it; `nil` for none.
    public var interval: ClosedRange<Double>?
    /// Points of the same group look alike.
    public var group: Int

    /// A point.
    public init(
      name: String, cost: Double, worth: Double, interval: ClosedRange<Double>? = nil, group: Int
    ) {
      (self.name, self.cost, self.worth) = (name, cost, worth)
      (self.interval, self.group) = (interval, group)
    }
  }

  /// The heading.
  public var title: String
  /// The title of the horizontal axis.
  public var xTitle: String
  /// The title of the vertical axis.
  public var yTitle: String
  /// The models.
  public var points: [Point]
  /// The meaning of error bars; empty when there are none.
  public var barTitle: String
  /// The part of a cost by which it varies from run to run; costs that all lie within it have no
  /// front.
  public var noise: Double

  /// A chart of the given points.
  ///
  /// Points that are not finite are left out.
  public init(
    title: String, xTitle: String, yTitle: String, points: [Point], barTitle: String = "",
    noise: Double = 0
  ) {
    (self.title, self.xTitle, self.yTitle) = (title, xTitle, yTitle)
    self.points = points.filter { $0.cost.isFinite && $0.worth.isFinite }
    (self.barTitle, self.noise) = (barTitle, noise)
  }

  /// Whether costs differ by more than they vary.
  private var hasFront: Bool {
    guard noise > 0, let least = points.map(\.cost).min(), let most = points.map(\.cost).max()
    else {
      return true
    }
    return most > least * (1 + noise)
  }

  /// Draws the points, the line of the front and names that do not overlap.
  public func draw(into figure: FigureDrawing, top: Double) -> FigureDrawing {
    var figure = figure
    let plot = PlotArea(
      width: figure.drawing.width, height: figure.chartHeight - Self.keyHeight, top: top,
      x: padded(points.map(\.cost)),
      y: points.flatMap { [$0.worth] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) })
    plot.drawAxes(title: title, xTitle: xTitle, yTitle: yTitle, into: &figure.drawing)
    let front =
      hasFront
      ? ParetoFront.indices(cost: points.map(\.cost), worth: points.map(\.worth)) : []
    let places = points.map { plot.place($0.cost, $0.worth) }
    drawFront(front.map { places[$0] }, into: &figure.drawing)
    let isOnFront = Set(front)
    for (index, place) in places.enumerated() {
      draw(points[index], at: place, plot, isFilled: isOnFront.contains(index), &figure.drawing)
    }
    drawNames(places, front, plot, into: &figure.drawing)
    drawKey(plot, at: top + figure.chartHeight - 10, into: &figure.drawing)
    return figure
  }

  private static let keyHeight = 16.0

  /// The values, with room for a name beside the last.
  private func padded(_ values: [Double]) -> [Double] {
    guard let least = values.min(), let most = values.max() else { return values }
    // Costs that differ by little still fill the axis; equal ones lie in its middle.
    let margin = most > least ? 0.12 * (most - least) : most.magnitude * 0.05
    return values + [max(0, least - margin), most + margin]
  }

  /// Draws the front as steps: at each cost, the worth of the best model up to that cost.
  private func drawFront(_ places: [Drawing.Point], into drawing: inout Drawing) {
    guard places.count > 1 else { return }
    drawing.path(Self.steps(places), .init(.faint, width: 1, dashes: [4, 3]))
  }

  private static func steps(_ places: [Drawing.Point]) -> [Drawing.Point] {
    var steps = Array(places.prefix(1))
    for place in places.dropFirst() {
      steps += [.init(place.x, steps[steps.count - 1].y), place]
    }
    return steps
  }

  private func draw(
    _ point: Point, at place: Drawing.Point, _ plot: PlotArea, isFilled: Bool,
    _ drawing: inout Drawing
  ) {
    if let interval = point.interval {
      drawing.bar(
        at: place.x, from: plot.y.place(interval.lowerBound),
        to: plot.y.place(interval.upperBound), point.group)
    }
    let values = String(format: "%.4g, %.4f", point.cost, point.worth)
    let mark = Marker.element(point.group, at: place, isFilled: isFilled)
    drawing.add(
      .hint("\(point.name): \(values)\(isFilled ? ", on the Pareto front" : "")", [mark]))
  }

  private func drawNames(
    _ places: [Drawing.Point], _ front: [Int], _ plot: PlotArea, into drawing: inout Drawing
  ) {
    var placement = LabelPlacement(area: plot.frame)
    let steps = Self.steps(front.map { places[$0] })
    for (a, b) in zip(steps, steps.dropFirst()) {
      placement.block(
        .init(
          left: min(a.x, b.x) - 0.5, top: min(a.y, b.y) - 0.5, width: abs(a.x - b.x) + 1,
          height: abs(a.y - b.y) + 1))
    }
    for (index, place) in places.enumerated() {
      placement.block(
        .init(left: place.x - 5.5, top: place.y - 5.5, width: 11, height: 11))
      if let interval = points[index].interval {
        let (high, low) = (
          plot.y.place(interval.upperBound), plot.y.place(interval.lowerBound)
        )
        placement.block(.init(left: place.x - 4, top: high, width: 8, height: low - high))
      }
    }
    // Points on the front are named first. When there are many dominated points, their names are
    // left out.
    let isOnFront = Set(front)
    let order = front + places.indices.filter { !isOnFront.contains($0) }
    for index in order.prefix(Self.mostNames) {
      guard let found = placement.place(points[index].name, near: places[index]) else { continue }
      if let leader = found.leader {
        drawing.line(places[index], leader, .init(.faint, width: 0.6))
      }
      drawing.add(.text(found.text))
    }
  }

  private static let mostNames = 24

  private func drawKey(_ plot: PlotArea, at y: Double, into drawing: inout Drawing) {
    var x = plot.frame.left
    let marks = [(true, "on the Pareto front"), (false, "beaten")]
    if !hasFront {
      let reason = "no front: all lie within what varies between runs"
      drawing.text(reason, x, y, size: Legend.size, ink: .faint)
      x += 12 + Helvetica.room(reason, size: Legend.size)
    }
    for (isFilled, name) in hasFront ? marks : [] {
      drawing.add(Marker.element(0, at: .init(x + 5, y - 3.5), isFilled: isFilled, radius: 3.6))
      drawing.text(name, x + 13, y, size: Legend.size, ink: .faint)
      x += 25 + Helvetica.room(name, size: Legend.size)
    }
    if !barTitle.isEmpty, points.contains(where: { $0.interval != nil }) {
      drawing.text("bars: \(barTitle)", x, y, size: Legend.size, ink: .faint)
    }
  }
}
