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
  private let resizing: PixelResizing?
  /// The shapes of the values.
  public var shapes: [[Int]] { network.shapes }

  /// A teacher that takes the student's images, converted where it needs other inputs.
  public init(
    _ network: ReferenceNetwork, conversion: PixelConversion?, resizing: PixelResizing? = nil
  ) {
    (self.network, self.conversion, self.resizing) = (network, conversion, resizing)
  }

  /// Runs the network.
  public func values(on images: [Float]) throws -> [UnsafePointer<Float>] {
    let converted = conversion.map { $0.apply(images, count: shapes[0][0]) } ?? images
    return try network.run(resizing.map { $0.apply(converted) } ?? converted)
  }
}

/// Stretches one network's input to the size of another's, bilinearly.
public struct PixelResizing: Sendable, Equatable {
  /// For each new row or column: the two old ones it lies between, and the part of the second.
  private typealias Place = (first: Int, second: Int, part: Float)

  private let source: [Int]
  private let target: [Int]

  /// The change of rows and columns; `nil` where both are the same.
  public init?(from student: (height: Int, width: Int), to teacher: (height: Int, width: Int)) {
    guard student != teacher else { return nil }
    source = [student.height, student.width]
    target = [teacher.height, teacher.width]
  }

  /// Images `[N, 3, H′, W′]` of images `[N, 3, H, W]`.
  public func apply(_ images: [Float]) -> [Float] {
    let (rows, columns) = (places(0), places(1))
    let (plane, width) = (source.product, source[1])
    var result: [Float] = []
    result.reserveCapacity(images.count / plane * target.product)
    for start in stride(from: 0, to: images.count, by: plane) {
      for row in rows {
        let (above, below) = (start + row.first * width, start + row.second * width)
        for column in columns {
          func mixed(_ line: Int) -> Float {
            images[line + column.first] * (1 - column.part)
              + images[line + column.second] * column.part
          }
          result.append(mixed(above) * (1 - row.part) + mixed(below) * row.part)
        }
      }
    }
    return result
  }

  private func places(_ axis: Int) -> [Place] {
    let (old, new) = (source[axis], target[axis])
    return (0..<new).map { index in
      let place = (Double(index) + 0.5) * Double(old) / Double(new) - 0.5
      let first = min(max(Int(place.rounded(.down)), 0), old - 1)
      return (first, min(first + 1, old - 1), Float(min(max(place - Double(first), 0), 1)))
    }
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
