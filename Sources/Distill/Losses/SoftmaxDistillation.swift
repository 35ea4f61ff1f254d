import Foundation

extension DistillationLoss {
  /// The divergence of softened class distributions, `T² · mean over rows of KL(softmax(t/T) ‖ softmax(s/T))`.
  ///
  /// Its gradient by the student's logits is `T (softmax(s/T) − softmax(t/T)) / rows`. Sums run in float64.
  ///
  /// Reference: Hinton et al., *Distilling the Knowledge in a Neural Network*, NIPS workshop 2014, arXiv:1503.02531.
  /// Differs from the paper in the teacher's entropy being taken off, so that equal outputs give 0.
  ///
  /// - Precondition: `temperature` is positive.
  public static func softmax(temperature: Double) -> DistillationLoss {
    precondition(temperature > 0)
    return DistillationLoss(
      name: "kd", summary: "softened class distributions",
      citation: "Hinton et al., arXiv:1503.02531"
    ) { student, teacher, classes in
      precondition(student.count == teacher.count && classes > 0 && student.count % classes == 0)
      let rows = student.count / classes
      var gradient = [Float](repeating: 0, count: student.count)
      var loss = 0.0
      for row in 0..<rows {
        let range = row * classes..<(row + 1) * classes
        let s = logSoftmax(student[range], temperature)
        let t = logSoftmax(teacher[range], temperature)
        for (place, index) in range.enumerated() {
          loss += exp(t[place]) * (t[place] - s[place])
          gradient[index] = Float(
            temperature * (exp(s[place]) - exp(t[place])) / Double(rows))
        }
      }
      return (temperature * temperature * loss / Double(max(rows, 1)), gradient)
    }
  }

  private static func logSoftmax(_ logits: ArraySlice<Float>, _ temperature: Double) -> [Double] {
    let scaled = logits.map { Double($0) / temperature }
    let largest = scaled.max() ?? 0
    let total = log(scaled.reduce(0) { $0 + exp($1 - largest) })
    return scaled.map { $0 - largest - total }
  }
}
