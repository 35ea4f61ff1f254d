/// Model files side by side: what they cost, how fast they run, how well they detect.
///
/// The first model is the baseline that the others are compared with.
public struct ComparisonReport: Codable, Sendable, Equatable {
  /// The version of this layout.
  public var schemaVersion = 1
  /// The heading.
  public var title: String
  /// The command that made the report.
  public var command: String
  /// The models; the first is the baseline.
  public var models: [ModelEvidence]
  /// What the figures were measured on and with.
  public var manifest: ReportManifest

  /// A report on the given models.
  ///
  /// - Precondition: there is at least one.
  public init(
    title: String, command: String, models: [ModelEvidence], manifest: ReportManifest
  ) {
    precondition(!models.isEmpty)
    self.title = title
    self.command = command
    self.models = models
    self.manifest = manifest
  }
}

/// What was found out about one model file.
public struct ModelEvidence: Codable, Sendable, Equatable {
  /// Latency in milliseconds at batch 1; measured, so it varies between runs.
  public struct Latency: Codable, Sendable, Equatable {
    /// Half of the runs were at most as long.
    public var median: Double
    /// Nine tenths of the runs were at most as long.
    public var p90: Double

    /// Times in milliseconds.
    public init(median: Double, p90: Double) {
      self.median = median
      self.p90 = p90
    }
  }

  /// How well one class is detected; −1 where there is nothing to measure.
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

  /// What one layer consists of and costs.
  public struct Layer: Codable, Sendable, Equatable {
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

  /// What tables call the model.
  public var name: String
  /// The SHA-256 digest of the file.
  public var sha256: String
  /// Bytes of the file, external data included.
  public var fileBytes: Int
  /// Bytes of the file after gzip -9.
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
  /// Time of one image, `nil` when not measured.
  public var latency: Latency?
  /// The most memory a process that runs the model holds, `nil` when not measured.
  public var peakMemoryBytes: Int?
  /// The twelve COCO numbers by name, `nil` without labelled images.
  public var accuracy: [String: Double]?
  /// The scores of the classes that have labelled objects.
  public var classes: [ClassScore]
  /// The layers that have parameters or cost multiply–accumulates.
  public var layers: [Layer]
  /// The detection head and preprocessing in force, one line each.
  public var settings: [String]

  /// What is known from the file alone; measurements are set afterwards.
  public init(
    name: String, sha256: String, fileBytes: Int, gzipBytes: Int, parameters: Int, nonzeros: Int,
    macs: Int, layers: [Layer]
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
    classes = []
    settings = []
    self.layers = layers
  }
}

/// What a report's figures can be traced back to.
public struct ReportManifest: Codable, Sendable, Equatable {
  /// The version of `compress`.
  public var version: String
  /// The seed of every random choice.
  public var seed: UInt64
  /// Threads that computed.
  public var threads: Int
  /// The CPU's name.
  public var cpu: String
  /// The data set's name; empty without one.
  public var data: String
  /// Images that were scored.
  public var images: Int
  /// The SHA-256 digest of the data set's labels; empty without one.
  public var dataDigest: String
  /// SHA-256 digests of the model files by name.
  public var models: [String: String]

  /// The circumstances of a report.
  public init(
    version: String, seed: UInt64, threads: Int, cpu: String, data: String = "", images: Int = 0,
    dataDigest: String = "", models: [String: String] = [:]
  ) {
    self.version = version
    self.seed = seed
    self.threads = threads
    self.cpu = cpu
    self.data = data
    self.images = images
    self.dataDigest = dataDigest
    self.models = models
  }
}
