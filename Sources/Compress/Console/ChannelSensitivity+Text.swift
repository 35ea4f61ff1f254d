import Foundation
import Prune

extension ChannelSensitivity {
  /// The damages of all layers as a table for people.
  var text: String {
    var table = Table(
      [("layer", .left)] + (curves.first?.fractions ?? []).map { (Format.percent($0), .right) })
    for curve in curves {
      table.append(
        [String(curve.weight.suffix(44))] + curve.damages.map { String(format: "%.4f", $0) })
    }
    return table.text
  }
}
