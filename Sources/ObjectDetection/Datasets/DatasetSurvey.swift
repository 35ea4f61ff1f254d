import Foundation

extension Dataset {
  /// The data set after its image files were checked: which cannot be read, and which have another
  /// size than the labels say.
  ///
  /// Only the headers of files are read. Boxes stay where the labels put them, as in the reference
  /// tools.
  func surveyed() -> Dataset {
    var result = self
    var remarks = DatasetRemarks(source)
    for (index, image) in images.enumerated() where unreadable[index] == nil {
      guard case .file(let url) = image.source else { continue }
      do {
        let size = try ImageFile.size(of: url)
        if let width = image.width, let height = image.height,
          (width, height) != (size.width, size.height)
        {
          remarks.note(
            "images are of another size than their labels say; boxes stay as labelled",
            "\(url.lastPathComponent) is \(size.width) × \(size.height), "
              + "labelled \(width) × \(height)"
          )
        }
      } catch {
        result.unreadable[index] = Unreadable(error)
      }
    }
    result.remarks += remarks.sentences
    return result
  }

  /// The data set, after it is known that all of its images can be read.
  ///
  /// - Parameter skippingBad: Whether images that cannot be read are left out with their labels,
  ///   see ``leftOut``.
  /// - Throws: ``DatasetError/unreadableImages(set:count:of:first:areMissing:)``.
  public func readable(skippingBad: Bool) throws(DatasetError) -> Dataset {
    guard let first = unreadable.keys.min().flatMap({ unreadable[$0] }) else { return self }
    guard skippingBad else {
      throw .unreadableImages(
        set: source.path, count: unreadable.count, of: images.count, first: first.reason,
        areMissing: unreadable.values.allSatisfy(\.isMissing))
    }
    var result = without(images: Set(unreadable.keys))
    result.unreadable = [:]
    result.leftOut += unreadable.sorted { $0.key < $1.key }.map(\.value.reason)
    return result
  }

  /// Why an image or its labels cannot be read.
  public struct Unreadable: Sendable, Hashable {
    /// A sentence that names the file.
    public var reason: String
    /// Whether there is no such file.
    public var isMissing = false

    init(_ reason: String, isMissing: Bool = false) {
      (self.reason, self.isMissing) = (reason, isMissing)
    }

    init(_ error: any Error) {
      reason = "\(error)"
      switch error {
      case ImageError.missing, DatasetError.missing, DatasetError.notFound: isMissing = true
      default: break
      }
    }
  }
}
