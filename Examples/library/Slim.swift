import CompressKit

/// Cuts channels out of a detector: `swift run library-example model.onnx images/ slim.onnx`.
@main struct Slim {
  static func main() throws {
    let words = CommandLine.arguments
    guard words.count == 4 else {
      return print("usage: library-example MODEL.onnx IMAGES/ SLIM.onnx")
    }
    let engine = Engine(threads: 2)
    let model = try ModelArtifact(words[1])
    let images = try CalibrationImages(folder: words[2], for: model, count: 16, engine: engine)

    // Choosing alters nothing; the plan can be saved, read and replayed.
    let method = ChannelPruning(criterion: .lasso, target: .macs(0.8), engine: engine)
    let plan = try method.plan(model, images)
    print("\(plan.removedChannels) of \(plan.channels) channels go")

    // The cut is proved, and the layers behind it are refitted on the images.
    let slim = try method.apply(plan, to: model, images)
    for remark in slim.remarks { print(remark) }

    // What is written is checked against what the plan predicts, and read back.
    let written = try slim.save(words[3])
    let (before, after) = try (engine.cost(of: model.graph), engine.cost(of: written.graph))
    print("MACs \(before.macs) → \(after.macs), bytes \(model.fileBytes) → \(written.fileBytes)")
  }
}
