/// The models, data, commands and versions that a report was made from.
public struct ReportManifest: Codable, Sendable, Equatable {
  /// The images that were scored.
  public struct Data: Codable, Sendable, Equatable {
    /// Their path, as the user gave it.
    public var path: String
    /// The format of the labels.
    public var format: String
    /// Their number.
    public var images: Int
    /// Which images of the set they are; `nil` for all.
    public var sample: ImageSample?
    /// The SHA-256 digest over images and labels.
    public var sha256: String

    /// A data set of `images` images.
    public init(
      path: String, format: String, images: Int, sample: ImageSample? = nil, sha256: String
    ) {
      self.path = path
      self.format = format
      self.images = images
      self.sample = sample
      self.sha256 = sha256
    }

    /// The number of images, for example `300 images` or `64 of 300 images, seed 0`.
    var count: String { sample?.text ?? "\(images) images" }
  }

  /// One model file.
  public struct Model: Codable, Sendable, Equatable {
    /// Its name in tables.
    public var name: String
    /// Its path, as the user gave it.
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
  public var schemaVersion = 2
  /// The version of `compress`.
  public var version: String
  /// The whole command line.
  public var command: [String]
  /// The seed of every random choice.
  public var seed: UInt64
  /// The number of threads.
  public var threads: Int
  /// The CPU's name.
  public var cpu: String
  /// The operating system and its kernel.
  public var system: String
  /// The images that were scored, `nil` when nothing was.
  public var data: Data?
  /// The model files, the baseline first.
  public var models: [Model]
  /// The commands that made the models, in order; empty when they are not known.
  public var steps: [[String]]

  /// The circumstances of a report.
  public init(
    version: String, command: [String], seed: UInt64, threads: Int, cpu: String,
    system: String = "", data: Data? = nil, models: [Model] = [], steps: [[String]] = []
  ) {
    self.version = version
    self.command = command
    self.seed = seed
    self.threads = threads
    self.cpu = cpu
    self.system = system
    self.data = data
    self.models = models
    self.steps = steps
  }
}

extension ReportManifest {
  /// The command line as it would be typed in a shell.
  public var commandLine: String { Self.shell(command) }

  /// Words as they would be typed in a shell.
  public static func shell(_ words: [String]) -> String {
    words.map { word in
      let isPlain =
        !word.isEmpty
        && word.allSatisfy {
          $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0))
        }
      return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
