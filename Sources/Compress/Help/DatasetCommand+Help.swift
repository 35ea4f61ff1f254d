extension DatasetCommand: ExplainedCommand {
  static let help = VerbHelp(
    what: "Makes synthetic scenes, packs a set into one file, or says what a set holds.",
    usual: [],
    examples: [
      "compress dataset synth --output scenes",
      "compress dataset pack data.yaml --split train --output train.h5",
      "compress dataset info train.h5",
    ])
}

extension DatasetCommand.Synth: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Writes shapes of eight classes on textured grounds, with light, noise, blur, occlusion and clutter. The same seed, \
      numbers and size give the same pixels. Without other options these are the scenes that verbs score on when no \
      images are given; with --first 0 those that they learn from.
      """,
    usual: ["output", "images", "first", "imgsz", "seed"],
    examples: [
      "compress dataset synth --output scenes",
      "compress dataset synth --output scenes --images 2000 --first 0 --imgsz 320",
    ])
}

extension DatasetCommand.Pack: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Stores a set in one HDF5 file that takes the place of the set wherever --data is asked for. The images keep their \
      bytes.
      """,
    usual: ["output", "split", "images", "skip-bad"],
    examples: ["compress dataset pack voc/ --split train --output train.h5"])
}

extension DatasetCommand.Info: ExplainedCommand {
  static let help = VerbHelp(
    what: "Counts the images, boxes and classes of a set, and says what is odd about it.",
    usual: ["split", "images", "format"],
    examples: ["compress dataset info train.h5", "compress dataset info voc/ --split val"])
}
