import Foundation
import Tensors

extension CounterRandom {
  /// A standard normal number (Box and Muller 1958).
  package mutating func normal() -> Float {
    let u = Double.random(in: Double.leastNonzeroMagnitude...1, using: &self)
    let v = Double.random(in: 0..<1, using: &self)
    return Float((-2 * log(u)).squareRoot() * cos(2 * Double.pi * v))
  }
}
