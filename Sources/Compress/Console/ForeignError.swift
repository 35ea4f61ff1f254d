import Foundation

/// Sentences for errors of Foundation, whose own are not for users.
enum ForeignError {
  /// The sentence; `nil` for errors of this project, which have their own.
  static func text(of error: any Error) -> String? {
    switch error {
    case let error as DecodingError: return text(of: error)
    case is EncodingError: return "a result cannot be written as JSON: a number is not finite"
    default: break
    }
    guard type(of: error) == NSError.self || error is CocoaError || error is URLError
    else { return nil }
    let foreign = error as NSError
    let file = foreign.userInfo[NSFilePathErrorKey] as? String
    return (file.map { "\($0): " } ?? "")
      + "the system refused without a reason (\(foreign.domain) \(foreign.code))"
  }

  private static func text(of error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
      return path.isEmpty ? "" : " at '\(path.joined(separator: "."))'"
    }
    return switch error {
    case .keyNotFound(let key, let context):
      "the JSON text lacks the key '\(key.stringValue)'\(place(context))"
    case .typeMismatch(_, let context): "the JSON value\(place(context)) is of the wrong type"
    case .valueNotFound(_, let context): "the JSON value\(place(context)) is missing"
    case .dataCorrupted(let context): "the JSON text is damaged\(place(context))"
    @unknown default: "the JSON text is damaged"
    }
  }
}
