/// One scale of a head, and where its channels lie among the raw maps.
public struct HeadLevel: Sendable, Equatable {
  /// A run of channels of one map.
  public struct Channels: Sendable, Equatable {
    /// The place of the map among the head's.
    public var map: Int
    /// The first channel.
    public var first: Int

    /// The channels of a map from `first` on.
    public init(map: Int, first: Int = 0) {
      self.map = map
      self.first = first
    }
  }

  /// Input pixels a cell.
  public var stride: Int
  /// Rows of cells.
  public var rows: Int
  /// Columns of cells.
  public var columns: Int
  /// The channels that place boxes.
  public var box: Channels
  /// The channels that score classes.
  public var classes: Channels
  /// The channel that says whether there is an object, in heads that have one.
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

  /// Cells of the scale.
  var cells: Int { rows * columns }

  /// The centre of a cell in pixels.
  func centre(_ cell: Int) -> SIMD2<Double> {
    let (row, column) = cell.quotientAndRemainder(dividingBy: columns)
    return SIMD2(Double(column) + 0.5, Double(row) + 0.5) * Double(stride)
  }
}

/// Which scale, and which cell of it, each cell of an image is, and where its centre lies.
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
  /// The element offset of a channel of an image; channels of `[N, C, H, W]` lie `H·W` apart.
  func offset(image: Int, channel: Int) -> Int {
    (image * shape[1] + channel) * shape[2] * shape[3]
  }
}
