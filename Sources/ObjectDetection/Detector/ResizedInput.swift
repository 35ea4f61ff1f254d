import Execution
import GraphIR
import Operators
import Tensors

extension ImageInput {
  /// Rows and columns.
  public struct Size: Sendable, Equatable, CustomStringConvertible {
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int

    /// A size.
    public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }

    /// For example `480×640`.
    public var description: String { "\(height)×\(width)" }
  }
}

extension Graph {
  /// The place of the input that takes images, and of its rows among its axes.
  ///
  /// It is `nil` where there is none. Rows and columns need not be known.
  private var imagePlace: (input: Int, rows: Int)? {
    for (place, input) in inputs.enumerated() where initializers[input.name] == nil {
      guard case .tensor(let element, let shape?) = input.type, shape.count == 4,
        ImageInput.elementTypes.contains(element)
      else { continue }
      if shape[1].extent == 3 { return (place, 2) }
      if shape[3].extent == 3 { return (place, 1) }
    }
    return nil
  }

  /// Whether rows or columns of the input that takes images are left open.
  public var takesAnySize: Bool {
    guard let (place, rows) = imagePlace, case .tensor(_, let shape?) = inputs[place].type else {
      return false
    }
    return shape[rows...rows + 1].contains { ($0.extent ?? 0) <= 0 }
  }

  /// The network with an image input of other rows and columns.
  ///
  /// Convolutions take any size. Shapes, grids and anchors that were computed for one size and
  /// stored do not, and a network with them is refused.
  ///
  /// - Throws: ``InputError/noImage(inputs:)``, ``InputError/fixedSize(size:node:reason:)``
  ///   with the first node that does not fit.
  public func resized(to size: ImageInput.Size) throws -> Graph {
    guard let (place, rows) = imagePlace, case .tensor(let element, var shape?) = inputs[place].type
    else { throw InputError.noImage(inputs: requiredInputs.map { "\($0.name) \($0.type)" }) }
    (shape[rows], shape[rows + 1]) = (.fixed(size.height), .fixed(size.width))
    var graph = self
    let old = inputs[place].type
    graph.inputs[place].type = .tensor(element, shape: shape)
    guard graph.inputs[place].type != old else { return self }
    graph.valueTypes = [:]
    for output in graph.outputs.indices {
      if case .tensor(let element, _) = graph.outputs[output].type {
        graph.outputs[output].type = .tensor(element, shape: nil)
      }
    }
    try graph.checkSizes(size)
    return graph
  }

  /// Refuses a network whose nodes contradict each other's shapes.
  private func checkSizes(_ size: ImageInput.Size) throws {
    let images = try? concreteInputTypes(
      requiredInputs.reduce(into: [:]) { shapes, input in
        if case .tensor(_, let shape?) = input.type {
          shapes[input.name] = shape.map { max($0.extent ?? 1, 1) }
        }
      })
    guard let images else { return }
    let typed = TypedGraph(self, registry: Engine().registry, inputs: images)
    for entry in typed.entries where entry.outputs == nil {
      guard let rules = entry.rules else { continue }
      let node = nodes[entry.index]
      guard zip(node.inputs, entry.inputs).allSatisfy({ $0.isEmpty || $1 != nil }) else { continue }
      do { _ = try rules.inferTypes(entry.inputs) } catch {
        throw InputError.fixedSize(
          size: "\(size)", node: node.name.isEmpty ? node.outputs.first ?? "" : node.name,
          reason: "\(error)")
      }
    }
  }
}
