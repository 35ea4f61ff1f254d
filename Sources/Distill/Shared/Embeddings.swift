import Training

/// One vector for each image: the mean of its map over rows and columns, `[N, C]`.
struct Embeddings {
  let count: Int
  let length: Int
  private(set) var values: [Float]

  init(_ base: UnsafePointer<Float>, images: Int, channels: Int, cells: Int) {
    (count, length) = (images, channels)
    values = (0..<images * channels).map { row in
      var sum: Float = 0
      for cell in 0..<cells { sum += base[row * cells + cell] }
      return sum / Float(cells)
    }
  }

  /// The difference of two vectors.
  func difference(_ i: Int, _ j: Int) -> [Float] {
    (0..<length).map { values[i * length + $0] - values[j * length + $0] }
  }

  /// The squared distances of all pairs, `[N, N]`.
  var squaredDistances: [Float] {
    var result = [Float](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in 0..<i {
        var sum: Float = 0
        for index in 0..<length {
          let gap = values[i * length + index] - values[j * length + index]
          sum += gap * gap
        }
        result[i * count + j] = sum
        result[j * count + i] = sum
      }
    }
    return result
  }

  /// The student's and the teacher's vectors of a pair of maps.
  static func pair(_ pair: FeaturePair) -> (student: Embeddings, teacher: Embeddings) {
    let map = pair.student
    return (
      Embeddings(map.values, images: map.images, channels: map.channels, cells: map.cells),
      Embeddings(
        pair.teacher, images: map.images, channels: pair.teacherChannels, cells: map.cells)
    )
  }

  /// Adds the gradient of a map whose vectors have the given gradient.
  static func pull(_ gradient: [Float], scale: Float, into map: RawMap) {
    for (row, slope) in gradient.enumerated() {
      let share = scale * slope / Float(map.cells)
      for cell in 0..<map.cells { map.gradient[row * map.cells + cell] += share }
    }
  }
}

/// Huber's distance: `½ x²` up to 1, then `|x| − ½`.
func huber(_ x: Float) -> (value: Double, slope: Float) {
  x.magnitude <= 1
    ? (Double(x * x) / 2, x) : (Double(x.magnitude) - 0.5, x > 0 ? 1 : -1)
}
