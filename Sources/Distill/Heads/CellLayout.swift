import Training

/// Where the scores and box sides of each cell are in a head's raw maps, for all head families.
public struct CellLayout: Sendable, Equatable {
  /// Where one kind of number is stored.
  ///
  /// The offset of an element is `first` plus the indices of image, anchor, cell and channel, each
  /// times its step.
  public struct Run: Sendable, Equatable {
    var map: Int
    var first: Int
    var image: Int
    var anchor: Int
    var cell: Int
    var channel: Int

    /// The offset of a cell's first number.
    @inline(__always)
    func place(_ image: Int, _ anchor: Int, _ cell: Int) -> Int {
      first + image * self.image + anchor * self.anchor + cell * self.cell
    }
  }

  /// One scale of a head.
  public struct Scale: Sendable, Equatable {
    /// Input pixels per cell; 0 for priors, which have no grid.
    var stride: Int
    var rows: Int
    var columns: Int
    var anchors: Int
    var scores: Run
    var objectness: Run?
    var boxes: Run

    var cells: Int { rows * columns }
  }

  /// The scales, the finest first.
  let scales: [Scale]
  /// Scores per cell: the classes, and the background where scores are a softmax.
  let scores: Int
  /// Whether the scores of a cell are one softmax, the background first.
  let isSoftmax: Bool
  /// Bins of each side's distance; 1 where a side is a single number.
  let bins: Int

  /// The number of cells of an image, all scales and anchors together.
  var cells: Int { scales.reduce(0) { $0 + $1.cells * $1.anchors } }

  /// The layout of a head.
  ///
  /// - Parameter shapes: The shapes of the head's maps.
  public init(_ head: RawHead, shapes: [[Int]]) {
    bins = head.regMax > 0 ? head.regMax + 1 : 1
    guard !head.levels.isEmpty else {
      // SSD: scores [N, P, 1 + C] and offsets [N, P, 4].
      let priors = shapes[0][1]
      scores = shapes[0][2]
      isSoftmax = true
      scales = [
        Scale(
          stride: 0, rows: 1, columns: priors, anchors: 1,
          scores: Run(
            map: 0, first: 0, image: priors * scores, anchor: 0, cell: scores, channel: 1),
          boxes: Run(map: 1, first: 0, image: priors * 4, anchor: 0, cell: 4, channel: 1))
      ]
      return
    }
    let classes = head.configuration.classes.count
    scores = classes
    isSoftmax = false
    scales = head.levels.map { level in
      let plane = level.rows * level.columns
      // A map with all numbers of a cell holds its anchors one after another.
      let isAnchored =
        level.objectness?.map == level.classes.map && level.box.map == level.classes.map
      let fields = classes + 5
      func run(_ channels: HeadLevel.Channels) -> Run {
        Run(
          map: channels.map, first: channels.first * plane,
          image: shapes[channels.map][1] * plane, anchor: fields * plane, cell: 1, channel: plane)
      }
      return Scale(
        stride: level.stride, rows: level.rows, columns: level.columns,
        anchors: isAnchored ? shapes[level.classes.map][1] / fields : 1,
        scores: run(level.classes), objectness: level.objectness.map(run), boxes: run(level.box))
    }
  }
}
