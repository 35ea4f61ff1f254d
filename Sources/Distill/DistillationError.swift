import Formats

/// Why a student cannot be trained with a teacher.
public enum DistillationError: Error, Equatable, CustomStringConvertible {
  case unknown(String)
  case repeated(String)
  case weight(String, found: String)
  case setting(loss: String, name: String, known: [String])
  case value(loss: String, name: String, range: ClosedRange<Double>, found: String)
  case heads(loss: String, reason: String)
  case noPoints(loss: String, needed: Int, found: Int)
  case point(name: String, reason: String)
  case labels(loss: String)
  case batch(loss: String, needed: Int, found: Int)
  case shape(role: String, expected: [Int], found: [Int])
  case cache(file: String, reason: String)
  /// Teacher and student take images fitted differently.
  case preprocessing(teacher: String, student: String)
  /// The images have no labels, which the student or a control run learns from.
  case unlabelled(use: String)
  /// The student's head has no loss against labels.
  case labelLoss(reason: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .unknown(let name):
      "no loss is called '\(name)'; take some of "
        + DistillationLoss.all.map(\.name).joined(separator: ", ")
    case .repeated(let name): "the loss \(name) is given twice"
    case .weight(let name, let found):
      "the weight of \(name) is a number above 0, found '\(found)'"
    case .setting(let loss, let name, let known):
      "\(loss) has no setting '\(name)'; "
        + (known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))")
    case .value(let loss, let name, let range, let found):
      "\(name) of \(loss) is a number from \(range.lowerBound) to \(range.upperBound), "
        + "found '\(found)'"
    case .heads(let loss, let reason):
      "\(loss) compares the heads of teacher and student, but \(reason); take the loss boxes, or "
        + "losses on features"
    case .noPoints(let loss, let needed, let found):
      "\(loss) needs \(needed) or more feature points of the same rows and columns in teacher and "
        + "student, found \(found); name them in pairs"
    case .point(let name, let reason): "'\(name)' is no feature point: \(reason)"
    case .labels(let loss): "\(loss) looks at labelled boxes, and the images have no labels"
    case .batch(let loss, let needed, let found):
      "\(loss) compares the images of a batch: it takes \(needed) or more, found \(found)"
    case .shape(let role, let expected, let found):
      "the \(role) takes images of \(found), the other network of \(expected); only the loss "
        + "boxes can do with that"
    case .cache(let file, let reason): "\(file): \(reason)"
    case .preprocessing(let teacher, let student):
      "the teacher takes images fitted by \(teacher), the student by \(student); only the loss "
        + "boxes can do with that"
    case .unlabelled(let use): "the images have no labels for \(use) to learn from"
    case .labelLoss(let reason): reason
    }
  }
}

extension DistillationError: LocatedError {
  /// Whether it is about settings, images or the cache, not about one of the models.
  public var isLocated: Bool {
    switch self {
    case .unknown, .repeated, .weight, .setting, .value, .labels, .batch, .cache: true
    case .unlabelled: true
    case .heads, .noPoints, .point, .shape, .preprocessing, .labelLoss: false
    }
  }
}
