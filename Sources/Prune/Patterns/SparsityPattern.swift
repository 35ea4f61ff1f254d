/// Which weights must become zero together.
public enum SparsityPattern: Sendable, Hashable {
  /// Each weight by itself.
  case unstructured
  /// N:M sparsity: of every `of` consecutive input channels exactly `keep` weights stay.
  ///
  /// Reference: Mishra et al., *Accelerating Sparse Deep Neural Networks*, arXiv:2104.08378.
  case keep(Int, of: Int)
  /// Blocks of `outputs` × `inputs` channels at one kernel position; blocks at the edges are
  /// smaller.
  case block(outputs: Int, inputs: Int)

  /// The patterns that help texts name.
  public static let known = ["none", "2:4", "1:4", "4:8", "1x4", "4x1"]

  /// The sparsity that the pattern itself prescribes.
  public var sparsity: Double? {
    if case .keep(let kept, let group) = self { return 1 - Double(kept) / Double(group) }
    return nil
  }
}

extension SparsityPattern: LosslessStringConvertible, Codable {
  /// Reads `none`, `2:4` or `1x4`; `nil` for anything else.
  public init?(_ text: String) {
    if text == "none" {
      self = .unstructured
      return
    }
    for separator in [":", "x"] as [Character] {
      let parts = text.split(separator: separator, omittingEmptySubsequences: false).map {
        Int($0)
      }
      guard parts.count == 2, let first = parts[0], let second = parts[1], first >= 1,
        second >= 1, first <= 64, second <= 64
      else { continue }
      if separator == ":" {
        guard first < second else { return nil }
        self = .keep(first, of: second)
      } else {
        self = .block(outputs: first, inputs: second)
      }
      return
    }
    return nil
  }

  /// The text that reads back as the pattern.
  public var description: String {
    switch self {
    case .unstructured: "none"
    case .keep(let kept, let group): "\(kept):\(group)"
    case .block(let outputs, let inputs): "\(outputs)x\(inputs)"
    }
  }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let pattern = SparsityPattern(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "no sparsity pattern '\(text)'")
    }
    self = pattern
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
