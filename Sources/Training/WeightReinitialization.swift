import Foundation
import GraphIR
import Tensors

extension Graph {
  /// The network with new random weights, for training from scratch.
  ///
  /// Weights of convolutions and products are normal with variance `2 / fan-in`. Normalisations get
  /// scale 1, shift 0 and running statistics 0 and 1. Biases stay, because those of heads are set
  /// for the low frequency of objects.
  ///
  /// Reference: He et al., *Delving Deep into Rectifiers*, ICCV 2015, arXiv:1502.01852.
  public func reinitialized(seed: UInt64, registry: OperatorRegistry) -> Graph {
    var result = withConstantsAsInitializers()
    for (index, parameter) in TrainableParameter.all(in: result, registry: registry).enumerated() {
      guard let tensor = result[constant: parameter.name], tensor.shape.count >= 2 else { continue }
      var random = CounterRandom(seed: seed, stream: UInt64(index))
      let fanIn = Double(tensor.count) / Double(max(tensor.shape[0], 1))
      let deviation = (2 / max(fanIn, 1)).squareRoot()
      result[constant: parameter.name] = Tensor(
        (0..<tensor.count).map { _ in Float(deviation * Self.normal(&random)) },
        shape: tensor.shape)
    }
    for node in result.nodes
    where node.qualifiedType == "BatchNormalization" && node.inputs.count == 5 {
      for (slot, value) in [(1, 1), (2, 0), (3, 0), (4, 1)] as [(Int, Float)] {
        guard let tensor = result[constant: node.inputs[slot]] else { continue }
        result[constant: node.inputs[slot]] = Tensor(
          [Float](repeating: value, count: tensor.count), shape: tensor.shape)
      }
    }
    return result
  }

  /// A standard normal number (Box and Muller).
  private static func normal(_ random: inout CounterRandom) -> Double {
    let radius = (-2 * log(Double.random(in: 1e-12..<1, using: &random))).squareRoot()
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
  }
}
