import Tensors

/// One convolution or product of a chain that replaces a layer.
public struct FactorStage: Sendable, Equatable {
  /// The suffix of its node's name behind the layer's name.
  public var name: String
  /// Output channels.
  public var outputs: Int
  /// Input channels.
  public var inputs: Int
  /// Groups of channels.
  public var groups: Int
  /// Extents of its kernel; empty for products.
  public var kernel: [Int]
  /// For each axis, whether it has the layer's stride, padding and dilation.
  public var window: [Bool]

  /// A stage without a window of its own: a convolution of kernel 1, or a product.
  public static func pointwise(
    _ name: String, _ outputs: Int, _ inputs: Int, axes: Int
  ) -> FactorStage {
    FactorStage(
      name: name, outputs: outputs, inputs: inputs, groups: 1,
      kernel: Array(repeating: 1, count: axes), window: Array(repeating: false, count: axes))
  }

  /// A stage with the layer's window on some axes.
  public static func windowed(
    _ name: String, _ outputs: Int, _ inputs: Int, kernel: [Int], axes: [Int], groups: Int = 1
  ) -> FactorStage {
    FactorStage(
      name: name, outputs: outputs, inputs: inputs, groups: groups,
      kernel: kernel.indices.map { axes.contains($0) ? kernel[$0] : 1 },
      window: kernel.indices.map(axes.contains))
  }

  /// The number of its weights.
  public var parameters: Int { outputs * inputs / groups * kernel.reduce(1, *) }
  /// The shape of its weights, `[outputs, inputs / groups, kernel…]`.
  public var shape: [Int] { [outputs, inputs / groups] + kernel }
}

extension [FactorStage] {
  /// Weights of all stages.
  public var parameters: Int { reduce(0) { $0 + $1.parameters } }

  /// Multiply–accumulates at the extents of a layer's uses.
  public func macs(for layer: FactorizableLayer) -> Int {
    layer.uses.reduce(0) { sum, use in
      var extents = use.inputExtents
      if layer.kind == .product { return sum + parameters * use.outputExtents.reduce(1, *) }
      return reduce(sum) { sum, stage in
        for axis in extents.indices where stage.window[axis] {
          extents[axis] = use.outputExtents[axis]
        }
        return sum + stage.parameters * extents.reduce(1, *)
      }
    }
  }
}

/// A chain of stages with their weights that replaces one layer.
public struct LayerFactors: Sendable {
  /// The stages in the order in which they run.
  public var stages: [FactorStage]
  /// Their weights, `[outputs, inputs / groups, kernel…]` each.
  public var weights: [[Float]]
  /// The input channels in the order in which the first stage reads them; `nil` for their own
  /// order.
  public var inputOrder: [Int]?
  /// The indices of the output channels in the last stage's output; `nil` for their own order.
  public var outputOrder: [Int]?

  /// A chain of stages.
  ///
  /// - Precondition: the number of weights is that of each stage.
  public init(
    _ stages: [FactorStage], weights: [[Float]], inputOrder: [Int]? = nil,
    outputOrder: [Int]? = nil
  ) {
    precondition(
      stages.count == weights.count
        && zip(stages, weights).allSatisfy { $0.parameters == $1.count })
    (self.stages, self.weights) = (stages, weights)
    (self.inputOrder, self.outputOrder) = (inputOrder, outputOrder)
  }
}

/// One layer's weights, ready to be approximated at any rank.
///
/// The cost of a rank follows from ``stages(_:)``, its loss from ``reconstructionError(_:)``.
public protocol Factorization: Sendable {
  /// Ranks in ascending order of cost, each with one number or several.
  var ranks: [[Int]] { get }
  /// The singular values of each unfolding, for figures; empty when there are none.
  var spectra: [[Double]] { get }
  /// The rank that follows from the weights themselves, by the method's own rule.
  func automaticRank() throws -> [Int]
  /// The stages at a rank.
  func stages(_ rank: [Int]) -> [FactorStage]
  /// `‖W − Ŵ‖ / ‖W‖` in the Frobenius norm.
  func reconstructionError(_ rank: [Int]) throws -> Double
  /// The stages and weights at a rank.
  func factors(_ rank: [Int]) throws -> LayerFactors
  /// Factors that reproduce the weights up to rounding, at any cost.
  func exactFactors() throws -> LayerFactors
}
