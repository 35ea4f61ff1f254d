import ArgumentParser

/// Reads the value of an option that takes the cases of an enumeration.
///
/// - Throws: `ValidationError` that names the option and the cases.
func oneOf<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
  _ flag: String
) -> @Sendable (String) throws -> Value {
  let cases = Value.allCases.map(\.rawValue)
  let names = [cases.dropLast().joined(separator: ", "), cases.last ?? ""].joined(
    separator: " or ")
  return { text in
    guard let value = Value(rawValue: text) else {
      throw ValidationError("\(flag) takes \(names), found '\(text)'.")
    }
    return value
  }
}
