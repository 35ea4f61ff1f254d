/// One scale of a head, with the places of its channels in the raw maps.
public struct HeadLevel: Sendable, Equatable {
  /// A run of channels of one map.
  public struct Channels: Sendable, Equatable {
    /// The index of the map in the head.
    public var map: Int
    /// The first channel.
    public var first: Int

    /// The channels of a map from `first` on.
    public init(map: Int, first: Int = 0) {
      self.map = map
      self.first = first
    }
  }

  /// Input pixels per cell.
  public var stride: Int
  /// Rows of cells.
  public var rows: Int
  /// Columns of cells.
  public var columns: Int
  /// The channels of the boxes.
  public var box: Channels
  /// The channels of the class scores.
  public var classes: Channels
  /// The channel of the objectness, in heads that have one.
  public var objectness: Channels?

  /// A scale of the given extents.
  public init(
    stride: Int, rows: Int, columns: Int, box: Channels, classes: Channels,
    objectness: Channels? = nil
  ) {
    self.stride = stride
    self.rows = rows
    self.columns = columns
    self.box = box
    self.classes = classes
    self.objectness = objectness
  }

  /// The number of cells of the scale.
  var cells: Int { rows * columns }

  /// The centre of a cell in pixels.
  func centre(_ cell: Int) -> SIMD2<Double> {
    let (row, column) = cell.quotientAndRemainder(dividingBy: columns)
    return SIMD2(Double(column) + 0.5, Double(row) + 0.5) * Double(stride)
  }
}

/// The scale, the index within it and the centre of each cell of an image.
struct CellPlaces {
  private(set) var level: [Int] = []
  private(set) var cell: [Int] = []
  private(set) var centre: [SIMD2<Double>] = []

  init(_ levels: [HeadLevel]) {
    for (index, scale) in levels.enumerated() {
      for place in 0..<scale.cells {
        level.append(index)
        cell.append(place)
        centre.append(scale.centre(place))
      }
    }
  }
}

extension RawMap {
  /// The element offset of a channel of an image.
  ///
  /// Channels of `[N, C, H, W]` are `H·W` apart.
  func offset(image: Int, channel: Int) -> Int {
    (image * shape[1] + channel) * shape[2] * shape[3]
  }
}
