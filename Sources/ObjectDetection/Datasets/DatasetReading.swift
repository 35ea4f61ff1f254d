import Foundation

/// How a data set is read.
public struct DatasetReading: Sendable {
  /// Which split of a set that has several; `nil` for the validation split.
  public var split: String?
  /// A folder that image names are looked for in before all others.
  public var imageFolder: URL?
  /// Whether images with malformed labels are left out; otherwise the set is refused.
  public var skipsBad: Bool
  /// Whether each image file is checked: that it exists, is an image, and has the size in the
  /// labels.
  public var looksAtImages: Bool

  /// A way to read.
  ///
  /// The default is the whole validation split with checked images.
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

  /// Remarks on a set.
  ///
  /// Each names the set.
  init(_ url: URL) { file = url.path }

  /// Counts one more of a kind, which is reported as "`COUNT` `KIND` (first: `EXAMPLE`)".
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
