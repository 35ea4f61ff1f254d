import GraphIR

/// The detector that verbs work on when none is given.
enum EmbeddedDetector {
  static func graph() throws -> Graph {
    throw CommandError(.noInput, "give a model file or --arch")
  }
}
