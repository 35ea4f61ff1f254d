import GraphIR
import ObjectDetection
import Tensors
import Training

/// The teacher's values, as a student's objective reads them.
public protocol TeacherSource: AnyObject {
  /// The shapes of the values, `[N, …]`.
  var shapes: [[Int]] { get }

  /// The values on a batch of images as the student takes them, `[N, 3, H, W]`; valid until the
  /// next call.
  ///
  /// - Throws: what the network throws.
  func values(on images: [Float]) throws -> [UnsafePointer<Float>]
}

/// A teacher that computes its values again for each batch.
public final class TeacherNetwork: TeacherSource {
  private let network: ReferenceNetwork
  private let conversion: PixelConversion?
  /// The shapes of the values.
  public var shapes: [[Int]] { network.shapes }

  /// A teacher that takes the student's images, converted where it needs other inputs.
  public init(_ network: ReferenceNetwork, conversion: PixelConversion?) {
    (self.network, self.conversion) = (network, conversion)
  }

  /// Runs the network.
  public func values(on images: [Float]) throws -> [UnsafePointer<Float>] {
    try network.run(conversion.map { $0.apply(images, count: shapes[0][0]) } ?? images)
  }
}

/// Converts one network's input to another's, for the same pixels.
public struct PixelConversion: Sendable, Equatable {
  private let scale: [Float]
  private let offset: [Float]
  private let source: [Int]

  /// The conversion between two preprocessings of one fit; `nil` when there is nothing to convert.
  public init?(from student: Preprocessing, to teacher: Preprocessing) {
    guard
      student.order != teacher.order || student.mean != teacher.mean || student.std != teacher.std
    else { return nil }
    let isSwapped = student.order != teacher.order
    source = isSwapped ? [2, 1, 0] : [0, 1, 2]
    let places = source
    scale = (0..<3).map { student.std[places[$0]] / teacher.std[$0] }
    offset = (0..<3).map { (student.mean[places[$0]] - teacher.mean[$0]) / teacher.std[$0] }
  }

  /// Images `[N, 3, H, W]` as the teacher takes them.
  public func apply(_ images: [Float], count: Int) -> [Float] {
    let plane = images.count / (3 * count)
    var result = [Float](repeating: 0, count: images.count)
    for image in 0..<count {
      for channel in 0..<3 {
        let (to, from) = ((image * 3 + channel) * plane, (image * 3 + source[channel]) * plane)
        for pixel in 0..<plane {
          result[to + pixel] = images[from + pixel] * scale[channel] + offset[channel]
        }
      }
    }
    return result
  }
}
