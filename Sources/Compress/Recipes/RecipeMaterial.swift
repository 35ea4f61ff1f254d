import Evidence
import Formats
import Foundation
import ObjectDetection
import Tensors

/// The model and images a recipe starts from, as files.
struct RecipeMaterial {
  /// The model's file.
  var model: String
  /// What steps are offered, with the made images where none are given.
  var shared: [RecipeStep.Option]

  /// Names what the recipe names; of the embedded detector and scenes the files in the work folder.
  init(_ recipe: Recipe, work: String) {
    shared = recipe.shared
    model = recipe.model ?? "\(work)/\(EmbeddedDetector.name)"
    guard recipe.model == nil else { return }
    let scenes = Self.folders(recipe, work)
    for (name, folder) in [
      ("data", scenes.score), ("train-data", scenes.train), ("calib", scenes.train),
    ] where recipe.shared(name) == nil {
      shared.append(.init(name: name, values: [folder]))
    }
  }

  /// The recipe's shared options as `compress report` reads them.
  func reportOptions(_ common: CommonOptions) throws -> Report {
    let words = shared.filter { $0.name != "threads" }.flatMap(\.words)
    let threads = ["--threads", "\(common.threadCount)"]
    guard let report = try Compress.parseAsRoot(["report", model] + words + threads) as? Report
    else { throw CommandError(.internalError, "the options of report cannot be read") }
    return report
  }

  private static func folders(_ recipe: Recipe, _ work: String) -> (train: String, score: String) {
    (
      "\(work)/scenes-train-\(recipe.scenes.train)", "\(work)/scenes-score-\(recipe.scenes.score)"
    )
  }

  /// Writes the embedded detector and those of its scenes that are needed and not there yet.
  static func write(_ recipe: Recipe, work: String, common: CommonOptions) throws {
    guard recipe.model == nil else { return }
    try OutputFolder.make(URL(filePath: work))
    try AtomicFile.write(EmbeddedDetector.data, to: "\(work)/\(EmbeddedDetector.name)")
    try Dataset.requireMemory(scenes: max(recipe.scenes.train, recipe.scenes.score))
    let pool = ThreadPool(threads: common.threadCount)
    let folders = folders(recipe, work)
    if ["train-data", "calib"].contains(where: { recipe.shared($0) == nil }) {
      try save(
        EmbeddedData.training(recipe.scenes.train, pool: pool), to: folders.train, common)
    }
    if recipe.shared("data") == nil {
      let scenes = Dataset.synthetic(
        count: recipe.scenes.score, seed: EmbeddedData.seed, first: EmbeddedData.validationStart,
        size: EmbeddedData.size, pool: pool)
      try save(scenes, to: folders.score, common)
    }
  }

  private static func save(_ scenes: Dataset, to folder: String, _ common: CommonOptions) throws {
    // Labels are written last, so a folder with them is whole.
    let labels = URL(filePath: folder).appending(path: "annotations.json")
    guard try InputFile.kind(of: labels) == nil else { return }
    let bar = ProgressBar(
      "writing scenes", total: scenes.images.count, unit: "images", isShown: common.showsProgress)
    try COCOFormat.save(scenes, to: URL(filePath: folder), progress: bar.update)
    bar.finish()
  }
}
