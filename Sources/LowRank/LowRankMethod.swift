import GraphIR
import Tensors

/// A method that replaces a layer by a chain of thinner ones: a value with a name and closures.
public struct LowRankMethod: Sendable {
  /// The name in options.
  public var name: String
  /// What it does, in a few words.
  public var summary: String
  /// Whether it needs the layers' responses to calibration images.
  public var needsResponses: Bool
  /// Whether ranks are numbers of channels.
  ///
  /// Runtimes are faster when these are multiples of 8.
  public var ranksAreWidths: Bool
  /// Why this method cannot take a layer; `nil` when it can.
  public var refusal: @Sendable (FactorizableLayer) -> String?
  /// Prepares a layer.
  public var factorization:
    @Sendable (FactorizableLayer, FactorizationContext) throws -> any Factorization

  /// A method of the given parts.
  public init(
    name: String, summary: String, needsResponses: Bool = false, ranksAreWidths: Bool = true,
    refusal: @escaping @Sendable (FactorizableLayer) -> String?,
    factorization:
      @escaping @Sendable (FactorizableLayer, FactorizationContext) throws -> any Factorization
  ) {
    (self.name, self.summary, self.needsResponses) = (name, summary, needsResponses)
    self.ranksAreWidths = ranksAreWidths
    (self.refusal, self.factorization) = (refusal, factorization)
  }

  /// Every method, in the order of help and error texts: those of the library, then added ones.
  public static var all: [LowRankMethod] { builtIn + additions.all }

  /// Adds a method, which is then found by its name.
  public static func add(_ method: LowRankMethod) { additions.add(method) }

  private static let additions = Additions<LowRankMethod>()
  private static let builtIn: [LowRankMethod] = [
    .svd, .spatialSVD, .channelSVD, .responseSVD, .tucker, .cp, .depthwiseSeparable, .group,
  ]

  /// The method with a name.
  public static func named(_ name: String) -> LowRankMethod? { all.first { $0.name == name } }
}

/// The context of a method: what it may use besides the weights.
public struct FactorizationContext: Sendable {
  /// The seed of random starts.
  public var seed: UInt64
  /// Iterations of alternating methods.
  public var iterations: Int
  /// Starts of alternating methods; the best result counts.
  public var starts: Int
  /// Second moments of the layer's responses; `nil` without calibration images.
  public var responses: ResponseMoments?

  /// A context of the given parts.
  public init(
    seed: UInt64 = 0, iterations: Int = 100, starts: Int = 2, responses: ResponseMoments? = nil
  ) {
    (self.seed, self.iterations, self.starts) = (seed, iterations, starts)
    self.responses = responses
  }
}

/// Why weights cannot be factorised.
public enum LowRankError: Error, Equatable, CustomStringConvertible {
  /// A rank that a layer does not have.
  case rank([Int], layer: String, most: [Int])
  /// No layer was factorised.
  case nothingToFactorize(reasons: [String: Int])
  /// A name or glob that matches no layer.
  case noSuchLayer(pattern: String, known: [String])
  /// A plan of another model.
  case otherModel(reason: String)
  /// A method looks at responses and there are no images.
  case needsImages(method: String)
  /// Factors of full rank compute something else than the layers.
  case unproved(difference: Double)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .rank(let rank, let layer, let most):
      "'\(layer)' has no factors of rank \(rank.text); its ranks go up to \(most.text)"
    case .nothingToFactorize(let reasons):
      "no layer can be factorised: "
        + reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
          "\($0.value) \($0.value == 1 ? "layer" : "layers"): \($0.key)"
        }.joined(separator: "; ")
    case .noSuchLayer(let pattern, let known):
      "no layer is called '\(pattern)'; layers are "
        + known.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
        + (known.count > 8 ? " and \(known.count - 8) more" : "")
    case .otherModel(let reason): "the plan is for another model: \(reason)"
    case .needsImages(let method):
      "the method \(method) looks at responses, and there are no images"
    case .unproved(let difference):
      "with factors of full rank the network differs by \(difference) from what it was; "
        + "nothing is written: please report this model"
    }
  }
}
