import Foundation
import Prune

/// Plans as JSON files.
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

  /// Reads a pruning plan.
  static func load(_ path: String) throws -> Plan {
    let kind = try decode(Kind.self, from: path)
    return kind.unit == "channel"
      ? .channels(try decode(ChannelPlan.self, from: path))
      : .weights(try decode(PruningPlan.self, from: path))
  }

  /// Reads a plan of layout 1.
  ///
  /// - Throws: ``CommandError`` that says what is wrong with the file.
  static func decode<Content: Decodable>(_: Content.Type, from path: String) throws -> Content {
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandError(.noInput, "\(path): there is no such file")
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw CommandError(.inputOutput, "\(path): cannot be read")
    }
    do {
      let kind = try JSONDecoder().decode(Kind.self, from: data)
      guard kind.schemaVersion == 1 else {
        throw CommandError(
          .badData, "\(path): has layout \(kind.schemaVersion), this version reads layout 1")
      }
      return try JSONDecoder().decode(Content.self, from: data)
    } catch let error as CommandError {
      throw error
    } catch DecodingError.keyNotFound(let key, _) {
      throw CommandError(.badData, "\(path): is no such plan: '\(key.stringValue)' is missing")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context)
    {
      let place = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw CommandError(.badData, "\(path): '\(place)': \(context.debugDescription)")
    } catch {
      throw CommandError(.badData, "\(path): is no plan, or is damaged")
    }
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
