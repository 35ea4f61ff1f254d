import Prune
import Reports

extension ChannelSensitivity {
  /// The most and the least sensitive layers' curves.
  public var figure: Figure {
    let order = curves.sorted { ($1.damages.last ?? 0) < ($0.damages.last ?? 0) }
    let (most, least) = (4, 3)
    let isPart = order.count > most + least
    let chosen = isPart ? Array(order.prefix(most) + order.suffix(least)) : order
    let part =
      isPart ? ", the \(most) most and \(least) least sensitive of \(order.count) layers" : ""
    return Figure([
      LineChart(
        title: "Sensitivity to the loss of channels (\(method))\(part)",
        xTitle: "fraction of a layer's channels removed",
        yTitle: measure == "mAP" ? "loss of mAP" : "relative error of the outputs",
        series: chosen.map { curve in
          .init(
            name: LayerName.short(curve.weight, most: 28),
            points: [(0, 0)] + zip(curve.fractions, curve.damages).map { ($0, $1) }, hasMarks: true)
        })
    ])
  }
}
