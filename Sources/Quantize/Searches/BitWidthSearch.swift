import Compression
import Execution
import Foundation
import GraphIR
import ObjectDetection

/// Finds the fewest bits for which mAP falls by at most a margin.
///
/// Weights alone are given fewer bits while the margin holds, then activations alone; then both
/// together, and while they cost too much the one whose next bit gains more gets it back.
/// Reference: Gysel, Motamedi and Ghiasi, *Hardware-Oriented Approximation of Convolutional Neural
/// Networks* (Ristretto), ICLR workshop 2016, arXiv:1604.03168, who tell apart convolutions and
/// fully connected layers, of which detectors have none; with `--power-of-two` the numbers are
/// their dynamic fixed point.
public struct BitWidthSearch {
  /// One choice of bits and what it costs.
  public struct Trial: Codable, Sendable, Equatable {
    /// Bits of weights.
    public var weightBits: Int
    /// Bits of activations.
    public var activationBits: Int
    /// The loss of mAP.
    public var loss: Double
  }

  var margin: Double
  var labelled: Dataset
  var precision: PrecisionSearch
  /// The ranges under a scheme.
  var ranges: (QuantizationScheme) throws -> [QuantizationPlan.Activation]
  /// What biases move by under a plan.
  var shifts: (QuantizationPlan) throws -> [String: [Float]]?

  private static let most = 8
  private static let least = 2

  /// The plan with the fewest bits, and what was tried.
  func run() throws -> (plan: QuantizationPlan, trials: [Trial]) {
    let meter = try SensitivityMeter(
      precision.graph, measure: .map, images: precision.images, labelled: labelled,
      settings: precision.head, engine: precision.engine)
    var trials: [Trial] = []
    func loss(_ weights: Int, _ activations: Int) throws -> Double {
      if let known = trials.first(where: {
        $0.weightBits == weights && $0.activationBits == activations
      }) {
        return known.loss
      }
      var search = precision
      search.plan = try plan(weights, activations)
      search.plan.biasShifts = try shifts(search.plan)
      let loss = try meter.damage(try search.network(keeping: []))
      trials.append(Trial(weightBits: weights, activationBits: activations, loss: loss))
      precision.engine.progress.info(
        "\(weights)-bit weights, \(activations)-bit activations: mAP falls by "
          + String(format: "%.4f", loss))
      return loss
    }
    var (weights, activations) = (Self.most, Self.most)
    while weights > Self.least, try loss(weights - 1, Self.most) <= margin { weights -= 1 }
    while activations > Self.least, try loss(Self.most, activations - 1) <= margin {
      activations -= 1
    }
    while try loss(weights, activations) > margin, weights < Self.most || activations < Self.most {
      let wider = weights < Self.most ? try loss(weights + 1, activations) : .infinity
      let finer = activations < Self.most ? try loss(weights, activations + 1) : .infinity
      if wider <= finer { weights += 1 } else { activations += 1 }
    }
    return (try plan(weights, activations), trials)
  }

  private func plan(_ weights: Int, _ activations: Int) throws -> QuantizationPlan {
    var plan = precision.plan
    plan.scheme.weightBits = weights
    plan.scheme.activationBits = activations
    plan.activations = try ranges(plan.scheme)
    return plan
  }
}
