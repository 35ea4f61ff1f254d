/// The facts and measurements of one model file.
public struct ModelEvidence: Codable, Sendable, Equatable {
  /// Measurements of a separate process at batch 1, which vary from run to run.
  public struct Measured: Codable, Sendable, Equatable {
    /// The median latency, in milliseconds.
    public var latencyMedian: Double
    /// The latency that nine tenths of the runs did not exceed, in milliseconds.
    public var latencyP90: Double
    /// The most memory the process held, in bytes.
    public var peakMemoryBytes: Int

    /// Images per second, one at a time.
    public var throughput: Double { latencyMedian > 0 ? 1000 / latencyMedian : 0 }

    /// Times in milliseconds, memory in bytes.
    public init(latencyMedian: Double, latencyP90: Double, peakMemoryBytes: Int) {
      self.latencyMedian = latencyMedian
      self.latencyP90 = latencyP90
      self.peakMemoryBytes = peakMemoryBytes
    }
  }

  /// The ends of a confidence interval.
  public struct Interval: Codable, Sendable, Equatable {
    /// The lower end.
    public var low: Double
    /// The upper end.
    public var high: Double

    /// An interval.
    public init(low: Double, high: Double) { (self.low, self.high) = (low, high) }
  }

  /// Recall and precision at one confidence and IoU .50.
  public struct OperatingPoint: Codable, Sendable, Equatable {
    /// Boxes below this confidence are not shown.
    public var confidence: Double
    /// The fraction of the labelled objects that is found.
    public var recall: Double
    /// The fraction of the boxes that are correct.
    public var precision: Double
    /// The fraction of the labelled objects that is missed, `1 − recall`.
    public var falseNegativeRate: Double

    /// Recall and precision at a confidence.
    public init(confidence: Double, recall: Double, precision: Double) {
      (self.confidence, self.recall, self.precision) = (confidence, recall, precision)
      falseNegativeRate = 1 - recall
    }
  }

  /// The scores of one class; −1 where there is nothing to measure.
  public struct ClassScore: Codable, Sendable, Equatable {
    /// The class.
    public var name: String
    /// Labelled objects that count.
    public var objects: Int
    /// COCO AP.
    public var ap: Double
    /// AP at IoU .50.
    public var ap50: Double

    /// The scores of a class.
    public init(name: String, objects: Int, ap: Double, ap50: Double) {
      self.name = name
      self.objects = objects
      self.ap = ap
      self.ap50 = ap50
    }
  }

  /// The parameters and cost of one layer.
  public struct LayerCost: Codable, Sendable, Equatable {
    /// The node's name, or its first output.
    public var name: String
    /// The operator.
    public var opType: String
    /// Elements of the float constants the node reads.
    public var parameters: Int
    /// Those that are not zero.
    public var nonzeros: Int
    /// Multiply–accumulates.
    public var macs: Int

    /// A layer.
    public init(name: String, opType: String, parameters: Int, nonzeros: Int, macs: Int) {
      self.name = name
      self.opType = opType
      self.parameters = parameters
      self.nonzeros = nonzeros
      self.macs = macs
    }

    /// The fraction of the parameters that are zero.
    public var sparsity: Double {
      parameters == 0 ? 0 : 1 - Double(nonzeros) / Double(parameters)
    }
  }

  /// The name in tables.
  public var name: String
  /// The SHA-256 digest of the file.
  public var sha256: String
  /// Bytes of the file, external data included.
  public var fileBytes: Int
  /// Bytes of the file after gzip, at its default level.
  public var gzipBytes: Int
  /// Elements of all float constants that nodes read.
  public var parameters: Int
  /// Those that are not zero.
  public var nonzeros: Int
  /// Multiply–accumulates of one image.
  public var macs: Int
  /// Twice ``macs``.
  public var flops: Int
  /// The fraction of ``parameters`` that are zero.
  public var sparsity: Double
  /// Bits of all constants that the file stores, without shapes and indices.
  public var storedWeightBits: Int
  /// The bytes that all activations need at once, as a session plans them; 0 when that is not
  /// known.
  public var peakActivationBytes: Int
  /// The energy for one image, estimated from counts.
  public var energy: EnergyEstimate?
  /// Time and memory, `nil` when not measured; the only figures that vary between runs.
  public var measured: Measured?
  /// Which images of the set were scored; `nil` for all of them.
  public var sample: ImageSample?
  /// The twelve COCO numbers by name, `nil` without labelled images.
  public var accuracy: [String: Double]?
  /// The 95 % confidence interval of mAP, from samples of the images.
  public var apInterval: Interval?
  /// Recall and precision at the confidence threshold for use.
  public var deployed: OperatingPoint?
  /// Precision at recall 0, .01 … 1 and IoU .50, the mean over classes.
  public var precisionAt50: [Double]?
  /// The scores of the classes that have labelled objects.
  public var classes: [ClassScore]
  /// The layers that have parameters or cost multiply–accumulates.
  public var layers: [LayerCost]
  /// The detection head and preprocessing in force, one line each.
  public var settings: [String]
  /// The earlier steps that made the model, from the records in its file, one line each.
  public var history: [String]
  /// The mAP of each sample of the images, the same samples for every model; not written into
  /// files.
  public var resampledAP: [Double] = []

  /// The mAP with each part of the images left out, the same parts for every model; not written
  /// into files.
  public var leftOutAP: [Double] = []

  /// The boxes above the confidence threshold for use, by the id of the image; not written into
  /// files.
  public var shown: [Int: [Disagreement.Box]] = [:]

  /// The facts known from the file alone.
  ///
  /// Measurements are set afterwards.
  public init(
    name: String, sha256: String, fileBytes: Int, gzipBytes: Int, parameters: Int, nonzeros: Int,
    macs: Int, layers: [LayerCost]
  ) {
    self.name = name
    self.sha256 = sha256
    self.fileBytes = fileBytes
    self.gzipBytes = gzipBytes
    self.parameters = parameters
    self.nonzeros = nonzeros
    self.macs = macs
    flops = 2 * macs
    sparsity = parameters == 0 ? 0 : 1 - Double(nonzeros) / Double(parameters)
    storedWeightBits = 0
    peakActivationBytes = 0
    classes = []
    settings = []
    history = []
    self.layers = layers
  }

  /// The part of a latency that varies from run to run: the most by which a ninth decile exceeds
  /// its median, at least a fiftieth.
  static func latencyNoise(_ models: [ModelEvidence]) -> Double {
    models.compactMap(\.measured).reduce(0.02) { noise, time in
      time.latencyMedian > 0 ? max(noise, time.latencyP90 / time.latencyMedian - 1) : noise
    }
  }

  /// Bits of the file per parameter; 0 when that is not known.
  public var bitsPerParameter: Double {
    parameters == 0 ? 0 : Double(storedWeightBits) / Double(parameters)
  }

  enum CodingKeys: String, CodingKey {
    case name, sha256, fileBytes, gzipBytes, parameters, nonzeros, macs, flops, sparsity
    case storedWeightBits, peakActivationBytes, energy, measured, sample, accuracy, apInterval,
      deployed
    case precisionAt50, classes, layers, settings, history
  }
}
