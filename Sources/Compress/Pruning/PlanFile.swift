import Foundation
import Prune

/// Pruning plans as JSON files.
enum PlanFile {
  /// A plan of either kind.
  enum Plan {
    case weights(PruningPlan)
    case channels(ChannelPlan)
  }

  /// The bytes of a plan.
  static func encode(_ plan: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(plan) + Data("\n".utf8)
  }

  /// Reads a plan.
  static func load(_ path: String) throws -> Plan {
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandError(.noInput, "\(path): there is no such file")
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw CommandError(.inputOutput, "\(path): cannot be read")
    }
    let plan: Plan
    do {
      let kind = try JSONDecoder().decode(Kind.self, from: data)
      guard kind.schemaVersion == 1 else {
        throw CommandError(
          .badData, "\(path): has layout \(kind.schemaVersion), this version reads layout 1")
      }
      plan =
        kind.unit == "channel"
        ? .channels(try JSONDecoder().decode(ChannelPlan.self, from: data))
        : .weights(try JSONDecoder().decode(PruningPlan.self, from: data))
    } catch let error as CommandError {
      throw error
    } catch DecodingError.keyNotFound(let key, _) {
      throw CommandError(.badData, "\(path): is no pruning plan: '\(key.stringValue)' is missing")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context)
    {
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw CommandError(.badData, "\(path): '\(place)': \(context.debugDescription)")
    } catch {
      throw CommandError(.badData, "\(path): is no pruning plan, or is damaged")
    }
    return plan
  }

  /// Reads a file of `inspect --sensitivity`.
  static func loadSensitivity(_ path: String) throws -> ChannelSensitivity {
    guard let data = try? Data(contentsOf: URL(filePath: path)) else {
      throw CommandError(.noInput, "\(path): there is no such file")
    }
    guard let result = try? JSONDecoder().decode(ChannelSensitivity.self, from: data) else {
      throw CommandError(.badData, "\(path): is no file of inspect --sensitivity, or is damaged")
    }
    return result
  }

  private struct Kind: Decodable {
    var schemaVersion: Int
    var unit: String?
  }
}
