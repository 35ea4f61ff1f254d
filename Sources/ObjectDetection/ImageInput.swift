import GraphIR
import Tensors

/// The input of a network that takes one image: its layout and element type.
public struct ImageInput: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The order of the axes behind the batch.
  public enum Layout: String, Codable, Sendable {
    /// `[N, 3, H, W]`, one plane for each colour channel.
    case channelsFirst = "NCHW"
    /// `[N, H, W, 3]`, the colour channels of a pixel side by side, as TensorFlow's models take
    /// them.
    case channelsLast = "NHWC"
  }

  /// The input's name.
  public var name: String
  /// The element type; an input of uint8 takes the bytes of the image.
  public var elementType: ElementType
  /// The order of the axes.
  public var layout: Layout
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int

  /// The types of numbers that images can be written as.
  public static let elementTypes: [ElementType] = [.float32, .float16, .bfloat16, .uint8]

  /// An input of the given parts.
  public init(
    name: String, layout: Layout = .channelsFirst, elementType: ElementType = .float32, height: Int,
    width: Int
  ) {
    (self.name, self.layout, self.elementType) = (name, layout, elementType)
    (self.height, self.width) = (height, width)
  }

  /// An input of one image, `[1, 3, H, W]` or `[1, H, W, 3]`, of floats or bytes; `nil` for another
  /// type.
  ///
  /// Where both axes have 3 elements the channels are taken to come first.
  public init?(name: String, type: TensorType) {
    let shape = type.shape
    guard Self.elementTypes.contains(type.elementType), shape.count == 4, shape[0] == 1,
      !shape.contains(0)
    else {
      return nil
    }
    (self.name, elementType) = (name, type.elementType)
    if shape[1] == 3 {
      (layout, height, width) = (.channelsFirst, shape[2], shape[3])
    } else if shape[3] == 3 {
      (layout, height, width) = (.channelsLast, shape[1], shape[2])
    } else {
      return nil
    }
  }

  /// The shape of the input, one image.
  public var shape: [Int] {
    layout == .channelsFirst ? [1, 3, height, width] : [1, height, width, 3]
  }

  /// The type of the input.
  public var type: TensorType { TensorType(elementType, shape) }

  /// Whether the input takes pixels as bytes from 0 to 255.
  ///
  /// They are neither shifted nor scaled unless settings say so.
  public var takesBytes: Bool { elementType == .uint8 }

  /// For example `NHWC, bytes 0…255`.
  public var description: String {
    layout.rawValue + (takesBytes ? ", bytes 0…255" : "")
  }
}

extension Graph {
  /// The same network with its image input as float32 `[N, 3, H, W]`, whatever layout and type it
  /// has in the file.
  ///
  /// Nodes in front convert the image to the original layout and type. Training feeds its batches
  /// to this network.
  public func takingPlanarImages() -> Graph {
    guard requiredInputs.count == 1, let input = requiredInputs.first,
      let place = inputs.firstIndex(where: { $0.name == input.name }),
      case .tensor(let element, let shape?) = input.type, shape.count == 4,
      ImageInput.elementTypes.contains(element)
    else { return self }
    let isLast = shape[1].extent != 3 && shape[3].extent == 3
    guard element != .float32 || isLast else { return self }
    var graph = self
    let name = freshName("\(input.name)/planes")
    let planes = isLast ? [shape[0], shape[3], shape[1], shape[2]] : shape
    graph.inputs[place] = ValueInfo(name: name, type: .tensor(.float32, shape: planes))
    var front: [Node] = []
    var value = name
    func append(_ opType: String, _ further: [String] = [], _ attributes: Attributes = [:]) {
      let output = freshName("\(input.name)/\(opType)")
      front.append(
        Node(
          opType, name: output, inputs: [value] + further, outputs: [output],
          attributes: attributes))
      value = output
    }
    if isLast { append("Transpose", [], ["perm": .ints([0, 2, 3, 1])]) }
    if element == .uint8 {
      append("Round")
      for (opType, bound) in [("Max", Float(0)), ("Min", Float(255))] {
        let constant = freshName("\(input.name)/\(bound)")
        graph[constant: constant] = Tensor(scalar: bound)
        append(opType, [constant])
      }
    }
    if element != .float32 {
      let codes: [ElementType: Int] = [.uint8: 2, .float16: 10, .bfloat16: 16]
      append("Cast", [], ["to": .int(codes[element] ?? 1)])
    }
    front[front.count - 1].outputs = [input.name]
    graph.nodes.insert(contentsOf: front, at: 0)
    return graph
  }
}
