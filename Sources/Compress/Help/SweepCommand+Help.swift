extension SweepCommand: ExplainedCommand {
  static let help = VerbHelp(
    what: """
      Runs a recipe once for every combination of the values of --set, of its variants and of --seeds, several at once with \
      --jobs, and compares: every model, the mean and spread over seeds of each setting, and the Pareto front.
      """,
    sections: [
      (
        "What is kept",
        """
        What is done is kept in points.jsonl, so a sweep that was interrupted goes on; a changed recipe starts anew. Latency is \
        measured once all models are made, one after the other.
        """
      ),
      (
        "Values",
        """
        Values have commas between. One that holds commas is put between brackets: \
        --set 'prune.prune-span=[0.05,0.7],[0.1,0.9]'.
        """
      ),
    ],
    usual: ["set", "seeds", "jobs", "output", "no-timing", "dry-run"],
    examples: [
      "compress sweep recipe.yaml --set prune.sparsity=0.3,0.5,0.75 --seeds 3 --jobs 2",
      "compress sweep recipe.yaml --set prune.sparsity=0.5,0.75 --set quantize.observer=minmax,entropy",
      "compress sweep orders.yaml --output orders/",
    ])
}
