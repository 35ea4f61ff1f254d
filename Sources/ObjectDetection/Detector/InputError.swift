/// Why a network's inputs do not fit a detector.
public enum InputError: Error, Equatable, CustomStringConvertible {
  /// A value is given for an input that does not exist.
  case unknown(name: String, known: [String])
  /// An input beside the image has no value.
  case open(name: String, type: String)
  /// No input takes images.
  case noImage(inputs: [String])
  /// Numbers are given for an input that takes none.
  case noNumbers(name: String, type: String)
  /// Too few or too many numbers are given.
  case count(name: String, type: String, needed: Int, found: Int)
  /// A given text is not a number of the input's type.
  case elementType(name: String, numbers: [String], type: String)
  /// The network was made for one size of images, as a node tells.
  case fixedSize(size: String, node: String, reason: String)
  /// The session gives an input no memory.
  case noMemory(name: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "the model has no input '\(name)'; its inputs are \(known.joined(separator: ", "))"
    case .open(let name, let type): "the input '\(name)' \(type) is no image and has no value"
    case .noImage(let inputs):
      "the model takes \(inputs.joined(separator: ", ")), which is no image; a detector takes one "
        + "[1,3,H,W] or [1,H,W,3] of float32, float16 or uint8"
    case .noNumbers(let name, let type):
      "the input '\(name)' is declared as \(type), which takes no numbers"
    case .count(let name, let type, let needed, let found):
      "the input '\(name)' \(type) takes \(needed) \(needed == 1 ? "number" : "numbers"), "
        + "found \(found)"
    case .elementType(let name, let numbers, let type):
      "the input '\(name)' takes numbers of type \(type), "
        + "found \(numbers.joined(separator: ","))"
    case .fixedSize(let size, let node, let reason):
      "the network was exported for one size of images and does not take \(size): '\(node)' \(reason); "
        + "export it with open rows and columns"
    case .noMemory(let name): "the input '\(name)' has no memory"
    }
  }
}
