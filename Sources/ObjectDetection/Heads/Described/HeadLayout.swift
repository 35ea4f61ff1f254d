/// How a detector's outputs hold boxes and scores, for heads that are of no family.
///
/// Every output is a table of fields for each place: a cell and an anchor of a grid, a prior, or a
/// row. `axes` says how its axes count places and fields, `fields` what the fields are.
public struct HeadLayout: Codable, Hashable, Sendable {
  /// One output.
  public struct Output: Codable, Hashable, Sendable {
    /// Its name.
    public var output: String
    /// The index of the stride whose cells it holds; `nil` for all places.
    public var level: Int?
    /// What each axis counts: one of ``axisNames``, or several joined by `*`, the outermost first.
    public var axes: [String]
    /// The fields in order, see ``fieldNames``; `each` before one repeats it for every anchor.
    public var fields: [String]

    /// An output of the given parts.
    public init(_ output: String, level: Int? = nil, axes: [String], fields: [String]) {
      (self.output, self.level, self.axes, self.fields) = (output, level, axes, fields)
    }
  }

  /// How the four numbers of a box are written.
  public struct Boxes: Codable, Hashable, Sendable {
    /// Their names in order: `cx cy w h`, `x1 y1 x2 y2`, `x1 y1 w h` or `left top right bottom`,
    /// in any order.
    public var fields: [String]
    /// What they are.
    public var coding: Coding
    /// What they are measured in.
    public var unit: Unit
    /// Where in its cell the point lies that distances are measured from, from 0 to 1.
    public var point: Double

    /// Boxes of the given parts.
    public init(
      _ fields: [String], coding: Coding = .plain, unit: Unit = .pixels, point: Double = 0.5
    ) {
      (self.fields, self.coding, self.unit, self.point) = (fields, coding, unit, point)
    }

    /// Reads what is given.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      fields = try values.decode([String].self, forKey: .fields)
      coding = try values.decodeIfPresent(Coding.self, forKey: .coding) ?? .plain
      unit = try values.decodeIfPresent(Unit.self, forKey: .unit) ?? .pixels
      point = try values.decodeIfPresent(Double.self, forKey: .point) ?? 0.5
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case fields, coding, unit, point }
  }

  /// What the four numbers of a box are.
  public enum Coding: String, Codable, Hashable, Sendable, CaseIterable {
    /// The box itself, in the unit.
    case plain
    /// `(x + cell)·stride` and `e^w·stride`, as in YOLOX.
    case grid
    /// `(2x − ½ + cell)·stride` and `(2w)²·anchor`, as in YOLOv5.
    case squares
    /// `(x + cell)·stride` and `e^w·anchor`, as in Darknet. An activation is that of centres.
    case exponentials
    /// `prior + v₀·x·prior` and `prior·e^(v₁·w)`, as in SSD.
    case priors
    /// Distances of the sides from a point of the cell.
    case distances
  }

  /// What lengths are measured in.
  public enum Unit: String, Codable, Hashable, Sendable, CaseIterable {
    /// Pixels of the network's input.
    case pixels
    /// Cells of the place's stride.
    case cells
    /// The input's width or height.
    case image
  }

  /// What is done to numbers before anything else.
  public enum Activation: String, Codable, Hashable, Sendable, CaseIterable {
    case none, sigmoid, softmax
  }

  /// Where the background is among the classes.
  public enum Background: String, Codable, Hashable, Sendable, CaseIterable {
    case none, first, last
  }

  /// Where priors are, if not made of `strides` and `anchors`.
  public struct Priors: Codable, Hashable, Sendable {
    /// The output that holds them.
    public var output: String?
    /// The constant of the network that holds them.
    public var initializer: String?
    /// The names of their four numbers.
    public var fields: [String]
    /// What they are measured in.
    public var unit: Unit
    /// Their numbers, where they were read from a constant.
    public var values: [Double]?

    /// Priors in an output or a constant.
    public init(
      output: String? = nil, initializer: String? = nil, fields: [String], unit: Unit = .image
    ) {
      (self.output, self.initializer) = (output, initializer)
      (self.fields, self.unit) = (fields, unit)
    }

    /// Reads what is given.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      output = try values.decodeIfPresent(String.self, forKey: .output)
      initializer = try values.decodeIfPresent(String.self, forKey: .initializer)
      fields = try values.decode([String].self, forKey: .fields)
      unit = try values.decodeIfPresent(Unit.self, forKey: .unit) ?? .image
      self.values = try values.decodeIfPresent([Double].self, forKey: .values)
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
      case output, initializer, fields, unit, values
    }
  }

  /// The outputs that hold something.
  public var outputs: [Output]
  /// How boxes are written.
  public var box: Boxes
  /// Anchors of a cell where ``HeadConfiguration/anchors`` does not give their sizes.
  public var anchors: Int?
  /// What is done first to `box`, `objectness`, `classes` and `confidence`.
  public var activation: [String: Activation]
  /// The powers of `objectness` and `classes` in the score, 1 where not given.
  public var score: [String: Double]
  /// Where the background is among the classes.
  public var background: Background
  /// Where priors are.
  public var priors: Priors?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case outputs, box, anchors, activation, score, background, priors
  }

  /// A layout of the given parts.
  public init(
    outputs: [Output], box: Boxes, anchors: Int? = nil, activation: [String: Activation] = [:],
    score: [String: Double] = [:], background: Background = .none, priors: Priors? = nil
  ) {
    (self.outputs, self.box, self.anchors) = (outputs, box, anchors)
    (self.activation, self.score, self.background) = (activation, score, background)
    self.priors = priors
  }

  /// Reads what is given.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    outputs = try values.decode([Output].self, forKey: .outputs)
    box = try values.decode(Boxes.self, forKey: .box)
    anchors = try values.decodeIfPresent(Int.self, forKey: .anchors)
    activation = try values.decodeIfPresent([String: Activation].self, forKey: .activation) ?? [:]
    score = try values.decodeIfPresent([String: Double].self, forKey: .score) ?? [:]
    background = try values.decodeIfPresent(Background.self, forKey: .background) ?? .none
    priors = try values.decodeIfPresent(Priors.self, forKey: .priors)
  }
}
