import Foundation

/// How a data set is read.
public struct DatasetReading: Sendable {
  /// Which part of a set that has several; `nil` for the one meant for validation.
  public var split: String?
  /// A folder that image names are taken from before all others.
  public var imageFolder: URL?
  /// Whether images are left out whose labels are malformed, instead of the set being refused.
  public var skipsBad: Bool
  /// Whether each image file is looked at: that it is there, is an image, and is as large as the
  /// labels say.
  public var looksAtImages: Bool

  /// A way to read; by default all of the validation part, images included.
  public init(
    split: String? = nil, imageFolder: URL? = nil, skipsBad: Bool = false,
    looksAtImages: Bool = true
  ) {
    (self.split, self.imageFolder) = (split, imageFolder)
    (self.skipsBad, self.looksAtImages) = (skipsBad, looksAtImages)
  }
}

/// What is odd about labels, counted by kind, with the first example of each.
struct DatasetRemarks {
  private var kinds: [String] = []
  private var counts: [String: (count: Int, example: String)] = [:]
  private let file: String

  /// Remarks on a set, which each of them names.
  init(_ url: URL) { file = url.path }

  /// Notes one more of a kind, which is told as "`COUNT` `KIND` (first: `EXAMPLE`)".
  mutating func note(_ kind: String, _ example: @autoclosure () -> String) {
    if counts[kind] == nil {
      kinds.append(kind)
      counts[kind] = (0, example())
    }
    counts[kind]?.count += 1
  }

  /// A sentence for each kind, in the order in which they were met.
  var sentences: [String] {
    kinds.compactMap { kind in
      counts[kind].map { entry in
        let first = entry.example.isEmpty ? "" : " (first: \(entry.example))"
        return "\(file): \(entry.count) \(kind)\(first)"
      }
    }
  }
}
