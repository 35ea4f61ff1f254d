import ArgumentParser
import Foundation
import ObjectDetection

/// How images are prepared for a network, where that is not to be recognised.
struct PreprocessingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What is subtracted from a pixel (0 to 255, or times --scale): one number, or one for each channel of the input. (default: as recognised)",
      valueName: "numbers"))
  var mean: PixelNumbers?

  @Option(
    help: ArgumentHelp(
      "What a pixel is divided by after --mean: one number or three. (default: as recognised)",
      valueName: "numbers"))
  var std: PixelNumbers?

  @Option(
    help: ArgumentHelp(
      "What a pixel is multiplied by before --mean and --std, as 1/255. (default: 1)",
      valueName: "number"))
  var scale: PixelNumbers?

  @Option(
    help: ArgumentHelp(
      "Which colour the input's first channel is: rgb or bgr. (default: as recognised)",
      valueName: "order"), completion: .list(["rgb", "bgr"]))
  var pixelOrder: Preprocessing.ChannelOrder?

  @Option(
    help: ArgumentHelp(
      "How an image fits the input: \(Preprocessing.Fit.names). (default: as recognised)",
      valueName: "fit"), completion: .list(Preprocessing.Fit.allCases.map(\.rawValue)))
  var fit: Preprocessing.Fit?

  mutating func validate() throws {
    if let scale, scale.values.count != 1 {
      throw ValidationError("--scale takes one number, found \(scale.values.count).")
    }
    if let fault = settings(nil)?.fault {
      throw ValidationError("--\(fault.key) \(fault.rule).")
    }
  }

  /// What the options say, on top of settings; `nil` when there is neither.
  func settings(
    _ file: HeadSettings.PreprocessingSettings?
  ) -> HeadSettings.PreprocessingSettings? {
    let isSet = mean != nil || std != nil || scale != nil || pixelOrder != nil || fit != nil
    guard isSet else { return file }
    var settings = file ?? .init()
    // Numbers of the options and of a file would be of different units.
    if mean != nil || std != nil || scale != nil {
      (settings.mean, settings.std, settings.scale) = (
        mean?.values, std?.values, scale?.values.first
      )
    }
    if let pixelOrder { settings.order = pixelOrder }
    if let fit { settings.fit = fit }
    return settings
  }

  /// The options as words of a command line.
  var words: [String] {
    let options: [(String, String?)] = [
      ("--mean", mean?.text), ("--std", std?.text), ("--scale", scale?.text),
      ("--pixel-order", pixelOrder?.rawValue.lowercased()), ("--fit", fit?.rawValue),
    ]
    return options.flatMap { name, value in value.map { [name, $0] } ?? [] }
  }
}

/// Numbers with commas between, each of them perhaps a fraction: `0.485,0.456,0.406` or `1/255`.
struct PixelNumbers: ExpressibleByArgument {
  let text: String
  let values: [Float]

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map(Self.number)
    let known = values.compactMap { $0 }
    guard known.count == values.count, [1, 3].contains(known.count) else { return nil }
    (text, self.values) = (argument, known)
  }

  private static func number(_ text: Substring) -> Float? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map {
      Double($0.trimmingCharacters(in: .whitespaces))
    }
    guard let first = parts.first ?? nil, parts.count <= 2 else { return nil }
    guard parts.count == 2 else { return Float(first) }
    return parts[1].flatMap { $0 == 0 ? nil : Float(first / $0) }
  }
}

extension Preprocessing.ChannelOrder: ExpressibleByArgument {
  /// Letter case does not count.
  public init?(argument: String) { self.init(rawValue: argument.uppercased()) }

  /// The orders as they are typed.
  public static var allValueStrings: [String] { allCases.map { $0.rawValue.lowercased() } }
}

extension Preprocessing.Fit: ExpressibleByArgument {
  /// The ways, for help.
  static let names = allCases.map(\.rawValue).joined(separator: ", ")
}
