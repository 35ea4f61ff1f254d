extension RunCommand: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Carries out a recipe, a YAML file that names a model, images, steps and goals: one command after the other, one \
      report of all models. A run that was interrupted goes on after the last step that was done.
      """,
    sections: [
      (
        "A recipe",
        """
          model: model.onnx            # left out: the embedded detector and its scenes
          data: coco/
          calib: images/
          seed: 0
          steps:
            - prune: {method: lasso, target-macs: 0.7, epochs: 4, train-data: coco-train/}
            - quantize: {observer: entropy}
          goals: {max-drop: 0.02, size: 50%, macs: 200M, latency: 12ms}
          report: report/
        """
      ),
      (
        "Steps",
        """
        Steps are verbs (\(RecipeVerbs.names.joined(separator: ", "))) with their options by the same names, in any order. \
        What the recipe says once (data, train-data, calib, head, seed, threads) reaches every step whose verb takes it. \
        Paths are as in a command typed in the current folder.
        """
      ),
      (
        "The work folder",
        """
        Each step's model, plan, result and report stay in the work folder. A step whose command, model or images have \
        changed is done again, with those after it. The last report compares the models of all steps. A goal that is \
        missed gives exit status 3.
        """
      ),
    ],
    usual: ["set", "variant", "work", "report", "no-timing", "dry-run"],
    examples: [
      "compress run recipe.yaml",
      "compress run recipe.yaml --dry-run",
      "compress run recipe.yaml --set prune.target-macs=0.5 --set quantize.bits=6",
      "compress run orders.yaml --variant quantize-first --work out/",
    ])
}
