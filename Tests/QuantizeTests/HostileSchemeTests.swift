import Foundation
import GraphIR
import Quantize
import Tensors
import Testing

/// Schemes out of files, whose numbers may be anything.
@Suite struct HostileSchemeTests {
  @Test(arguments: [0, 1, 9, -1, 64, Int.max, Int.min])
  func bitsOutOfRangeAreRefused(bits: Int) throws {
    for key in ["weightBits", "activationBits"] {
      let data = try JSONEncoder().encode(QuantizationScheme())
      var object = try #require(
        try JSONSerialization.jsonObject(with: data) as? [String: Any])
      object[key] = bits
      let bent = try JSONSerialization.data(withJSONObject: object)
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(QuantizationScheme.self, from: bent)
      }
    }
  }

  @Test func aSchemeComesBack() throws {
    var scheme = QuantizationScheme()
    (scheme.weightBits, scheme.powerOfTwo, scheme.weightGrid) = (4, true, .log2)
    let data = try JSONEncoder().encode(scheme)
    #expect(try JSONDecoder().decode(QuantizationScheme.self, from: data) == scheme)
  }

  @Test func anyRangeHasAZeroPoint() {
    var scheme = QuantizationScheme()
    let ends: [Float] = [
      0, -0.0, .leastNonzeroMagnitude, 1e-38, 1, 3e38, .greatestFiniteMagnitude,
      -.leastNonzeroMagnitude, -1, -3e38,
      -.greatestFiniteMagnitude,
    ]
    for isPower in [false, true] {
      for isSymmetric in [false, true] {
        (scheme.powerOfTwo, scheme.symmetricActivations) = (isPower, isSymmetric)
        for low in ends {
          for high in ends where high >= low {
            let parameters = scheme.activation(low...high)
            #expect(scheme.activationRange.contains(parameters.zeroPoint), "\(low)…\(high)")
          }
        }
      }
    }
  }

  /// Operator sets are raised before anything else looks at attributes.
  @Test(arguments: [-35_184_372_088_832, -5, 4, .max, .min])
  func axesBeyondTheShapeAreRefused(axis: Int) throws {
    let type = ValueType(TensorType(.float32, [1, 4, 6, 6]))
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: type)], outputs: [ValueInfo(name: "y", type: type)])
    graph.properties.opsets = ["": 11]
    graph.nodes = [
      Node("Softmax", inputs: ["x"], outputs: ["y"], attributes: ["axis": .int(axis)])
    ]
    #expect(throws: QuantizationError.self) {
      _ = try graph.preparedForQuantization(registry: .standard, inputShapes: [:])
    }
  }
}
