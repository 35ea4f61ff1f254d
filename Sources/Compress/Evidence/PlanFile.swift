import Foundation
import Prune

/// Pruning plans as JSON files.
enum PlanFile {
  /// The bytes of a plan.
  static func encode(_ plan: PruningPlan) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(plan) + Data("\n".utf8)
  }

  /// Reads a plan.
  static func load(_ path: String) throws -> PruningPlan {
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandError(.noInput, "\(path): there is no such file")
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw CommandError(.inputOutput, "\(path): cannot be read")
    }
    let plan: PruningPlan
    do {
      plan = try JSONDecoder().decode(PruningPlan.self, from: data)
    } catch DecodingError.keyNotFound(let key, _) {
      throw CommandError(.badData, "\(path): is no pruning plan: '\(key.stringValue)' is missing")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context)
    {
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw CommandError(.badData, "\(path): '\(place)': \(context.debugDescription)")
    } catch {
      throw CommandError(.badData, "\(path): is no pruning plan, or is damaged")
    }
    guard plan.schemaVersion == 1 else {
      throw CommandError(
        .badData, "\(path): has layout \(plan.schemaVersion), this version reads layout 1")
    }
    return plan
  }
}
