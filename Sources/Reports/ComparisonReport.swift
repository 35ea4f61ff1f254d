/// Model files side by side: what they cost, how fast they run, how well they detect.
///
/// The first model is the baseline that the others are compared with.
public struct ComparisonReport: Codable, Sendable, Equatable {
  /// The version of this layout.
  public var schemaVersion = 1
  /// The heading.
  public var title: String
  /// The models; the first is the baseline.
  public var models: [ModelEvidence]
  /// What a reader has to know before comparing, a sentence each.
  public var notes: [String]
  /// What the figures were measured on and with.
  public var manifest: ReportManifest

  /// A report on the given models; scores under differing settings are added to the notes.
  ///
  /// - Precondition: there is at least one.
  public init(
    title: String, models: [ModelEvidence], notes: [String] = [], manifest: ReportManifest
  ) {
    precondition(!models.isEmpty)
    self.title = title
    self.models = models
    self.notes = notes + Self.differences(models)
    self.manifest = manifest
  }

  /// Warns of scored models whose head, preprocessing or thresholds differ from the first one's.
  private static func differences(_ models: [ModelEvidence]) -> [String] {
    let scored = models.filter { $0.accuracy != nil }
    guard let first = scored.first else { return [] }
    return scored.dropFirst().compactMap { model in
      let own = model.settings.filter { !first.settings.contains($0) }
      return own.isEmpty
        ? nil
        : "\(model.name) is scored under other settings than \(first.name): "
          + own.joined(separator: "; ")
    }
  }
}

/// What was found out about one model file.
public struct ModelEvidence: Codable, Sendable, Equatable {
  /// What a process of its own measured at batch 1; varies from run to run.
  public struct Measured: Codable, Sendable, Equatable {
    /// Half of the runs took at most so many milliseconds.
    public var latencyMedian: Double
    /// Nine tenths of the runs took at most so many milliseconds.
    public var latencyP90: Double
    /// The most memory the process held, in bytes.
    public var peakMemoryBytes: Int

    /// Times in milliseconds, memory in bytes.
    public init(latencyMedian: Double, latencyP90: Double, peakMemoryBytes: Int) {
      self.latencyMedian = latencyMedian
      self.latencyP90 = latencyP90
      self.peakMemoryBytes = peakMemoryBytes
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
  /// Time and memory, `nil` when not measured; the only figures that vary between runs.
  public var measured: Measured?
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
  /// The images that were scored.
  public struct Data: Codable, Sendable, Equatable {
    /// Where they lie, as the user gave it.
    public var path: String
    /// The format of the labels.
    public var format: String
    /// Their number.
    public var images: Int
    /// The SHA-256 digest over images and labels.
    public var sha256: String

    /// A data set of `images` images.
    public init(path: String, format: String, images: Int, sha256: String) {
      self.path = path
      self.format = format
      self.images = images
      self.sha256 = sha256
    }
  }

  /// One model file.
  public struct Model: Codable, Sendable, Equatable {
    /// What the tables call it.
    public var name: String
    /// Where it lies, as the user gave it.
    public var path: String
    /// The SHA-256 digest of the file.
    public var sha256: String

    /// A model file.
    public init(name: String, path: String, sha256: String) {
      self.name = name
      self.path = path
      self.sha256 = sha256
    }
  }

  /// The version of this layout.
  public var schemaVersion = 1
  /// The version of `compress`.
  public var version: String
  /// The whole command line.
  public var command: [String]
  /// The seed of every random choice.
  public var seed: UInt64
  /// Threads that computed.
  public var threads: Int
  /// The CPU's name.
  public var cpu: String
  /// The images that were scored, `nil` when nothing was.
  public var data: Data?
  /// The model files, the baseline first.
  public var models: [Model]

  /// The circumstances of a report.
  public init(
    version: String, command: [String], seed: UInt64, threads: Int, cpu: String,
    data: Data? = nil, models: [Model] = []
  ) {
    self.version = version
    self.command = command
    self.seed = seed
    self.threads = threads
    self.cpu = cpu
    self.data = data
    self.models = models
  }
}

extension ReportManifest {
  /// The command line as it would be typed in a shell.
  public var commandLine: String {
    command.map { word in
      let isPlain =
        !word.isEmpty
        && word.allSatisfy {
          $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0))
        }
      return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
