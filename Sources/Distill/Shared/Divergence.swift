import Foundation

/// The Kullback–Leibler divergence between a teacher's and a student's logits, both divided by a
/// temperature T, times T².
struct Divergence {
  var student: UnsafePointer<Float>
  var gradient: UnsafeMutablePointer<Float>
  /// The distance of the student's logits in memory.
  var step: Int
  var teacher: UnsafePointer<Float>
  var teacherStep: Int
  var count: Int
  var temperature: Float

  /// `T² KL(softmax(t/T) ‖ softmax(s/T))`; adds `scale` times its gradient
  /// `T (softmax(s/T) − softmax(t/T))`.
  func categories(_ scale: Float) -> Double {
    let own = logSumExp(student, count: count, step: step, temperature: temperature)
    let other = logSumExp(teacher, count: count, step: teacherStep, temperature: temperature)
    var divergence: Float = 0
    for index in 0..<count {
      let s = student[index * step] / temperature - own
      let t = teacher[index * teacherStep] / temperature - other
      let share = exp(t)
      divergence += share * (t - s)
      gradient[index * step] += scale * temperature * (exp(s) - share)
    }
    return Double(temperature * temperature * divergence)
  }

  /// `T² Σ KL(σ(t/T) ‖ σ(s/T))` of two outcomes each; adds `scale` times its gradient
  /// `T (σ(s/T) − σ(t/T))`.
  func outcomes(_ scale: Float) -> Double {
    func softplus(_ x: Float) -> Float { max(x, 0) + log1p(exp(-x.magnitude)) }
    var divergence: Float = 0
    for index in 0..<count {
      let s = student[index * step] / temperature
      let t = teacher[index * teacherStep] / temperature
      let share = sigmoid(t)
      divergence += softplus(s) - share * s - softplus(t) + share * t
      gradient[index * step] += scale * temperature * (sigmoid(s) - share)
    }
    return Double(temperature * temperature * divergence)
  }
}
