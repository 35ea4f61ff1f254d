import Foundation
import Tensors

extension Dataset {
  /// The bytes that a scene and its labels take in memory, rounded up.
  private static let bytesPerScene = 2048

  /// Refuses more scenes than memory can hold.
  ///
  /// - Throws: `MemoryShortage`.
  public static func requireMemory(scenes count: Int) throws {
    let bytes = CheckedInteger(count) * CheckedInteger(bytesPerScene)
    try MachineMemory.require(bytes.value, for: "\(count) scenes")
  }

  /// A set of scenes that are rendered when they are needed.
  ///
  /// - Parameters:
  ///   - first: The number of the first scene. Sets of one seed with disjoint numbers share no
  ///     scene.
  ///   - size: Rows and columns.
  public static func synthetic(
    count: Int, seed: UInt64, first: Int = 0, size: Int = 160, pool: ThreadPool
  ) -> Dataset {
    let slots = OnceEach<[Annotation]>(count)
    pool.forEach(count) { index in
      let scene = SyntheticScene(seed: seed, index: first + index, size: size)
      slots[index] = SceneOutlines(scene).annotations(image: index)
    }
    var annotations: [Annotation] = []
    for index in 0..<count {
      for var annotation in slots[index] ?? [] {
        annotation.id = annotations.count + 1
        annotations.append(annotation)
      }
    }
    return Dataset(
      format: "synthetic", source: URL(filePath: "synthetic scenes, seed \(seed)"),
      categories: SyntheticScene.classNames.enumerated().map { Category(id: $0 + 1, name: $1) },
      images: (0..<count).map { index in
        let scene = SyntheticScene(seed: seed, index: first + index, size: size)
        return Image(id: index + 1, source: .scene(scene), width: size, height: size)
      }, annotations: annotations)
  }
}

/// An array with one element for each task, which one thread writes.
final class OnceEach<Element>: @unchecked Sendable {
  private let base: UnsafeMutablePointer<Element?>
  private let count: Int

  init(_ count: Int) {
    self.count = count
    base = .allocate(capacity: max(count, 1))
    base.initialize(repeating: nil, count: count)
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  subscript(index: Int) -> Element? {
    get { base[index] }
    set { base[index] = newValue }
  }
}
