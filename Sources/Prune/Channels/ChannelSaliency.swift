import Tensors
import Training

/// Sums the saliency of a layer's channels over batches, from gradients.
public final class ChannelSaliency: TrainingHook {
  /// Sums over batches, by channel.
  public struct Sums: Sendable, Equatable {
    /// `(Σ w · ∂L/∂w)²` over the filter.
    public var taylor: [Double]
    /// `Σ |∂L/∂w|` over the filter.
    public var magnitude: [Double]
  }

  /// The sums of each weight tensor, by the constant's name.
  public private(set) var sums: [String: Sums] = [:]
  private let axes: [String: Int]
  private let shapes: [String: [Int]]

  /// Sums for the layers of a graph.
  public init(_ coupling: ChannelCoupling) {
    axes = Dictionary(
      coupling.producers.map { ($0.weight, $0.weightAxis) }, uniquingKeysWith: { first, _ in first }
    )
    shapes = axes.keys.reduce(into: [:]) { shapes, name in
      shapes[name] = coupling.trace.typed.operands[name]?.shape
    }
  }

  /// Adds the batch's gradients.
  public func willUpdate(_ step: TrainingStep, at progress: TrainingProgress) {
    for (index, name) in step.parameters.enumerated() {
      guard let axis = axes[name], let shape = shapes[name],
        let gradient = step.gradient(of: index)
      else { continue }
      add(step.values(of: index), gradient, name, shape, axis)
    }
  }

  private func add(
    _ values: UnsafeMutableBufferPointer<Float>, _ gradient: UnsafeMutableBufferPointer<Float>,
    _ name: String, _ shape: [Int], _ axis: Int
  ) {
    let (channels, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
    var products = [Double](repeating: 0, count: channels)
    var magnitudes = products
    for index in gradient.indices {
      let channel = index / inner % channels
      products[channel] += Double(values[index]) * Double(gradient[index])
      magnitudes[channel] += Double(gradient[index].magnitude)
    }
    var own =
      sums[name] ?? Sums(taylor: products.map { _ in 0 }, magnitude: products.map { _ in 0 })
    for channel in 0..<channels {
      own.taylor[channel] += products[channel] * products[channel]
      own.magnitude[channel] += magnitudes[channel]
    }
    sums[name] = own
  }
}
