/// A result that is printed as text or JSON.
protocol PrintableResult: Encodable {
  /// The result for people.
  var text: String { get }
}

extension CommonOptions {
  /// Prints a result in the form asked for.
  func show(_ result: some PrintableResult) throws {
    switch format {
    case .json: try Console.json(result)
    case .text: Console.result(result.text)
    }
  }
}
