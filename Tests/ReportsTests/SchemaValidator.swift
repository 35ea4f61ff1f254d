import Foundation

/// Holds JSON against the part of JSON Schema that the report's schema uses.
struct SchemaValidator {
  let root: [String: Any]

  /// What does not fit, a line each.
  func violations(_ value: Any) -> [String] { violations(value, root, at: "") }

  private func violations(_ value: Any, _ schema: [String: Any], at path: String) -> [String] {
    if let reference = schema["$ref"] as? String {
      let name = String(reference.split(separator: "/").last ?? "")
      let known = (root["$defs"] as? [String: Any])?[name] as? [String: Any]
      return known.map { violations(value, $0, at: path) } ?? ["\(path): no \(reference)"]
    }
    if let constant = schema["const"] as? Int, value as? Int != constant {
      return ["\(path): is not \(constant)"]
    }
    switch schema["type"] as? String {
    case "object": return object(value, schema, at: path)
    case "array":
      guard let list = value as? [Any] else { return ["\(path): is no array"] }
      guard let items = schema["items"] as? [String: Any] else { return [] }
      return list.enumerated().flatMap { violations($1, items, at: "\(path)[\($0)]") }
    case "string": return value is String ? [] : ["\(path): is no string"]
    case "boolean": return value is Bool ? [] : ["\(path): is no boolean"]
    case "integer": return value is Int ? [] : ["\(path): is no integer"]
    case "number": return value is Double || value is Int ? [] : ["\(path): is no number"]
    default: return []
    }
  }

  private func object(_ value: Any, _ schema: [String: Any], at path: String) -> [String] {
    guard let object = value as? [String: Any] else { return ["\(path): is no object"] }
    let properties = schema["properties"] as? [String: Any] ?? [:]
    var found = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }
      .map { "\(path): lacks \($0)" }
    for (key, inner) in object.sorted(by: { $0.key < $1.key }) {
      if let own = properties[key] as? [String: Any] {
        found += violations(inner, own, at: "\(path).\(key)")
      } else if schema["additionalProperties"] as? Bool == false {
        found.append("\(path): has an unknown \(key)")
      }
    }
    return found
  }
}
