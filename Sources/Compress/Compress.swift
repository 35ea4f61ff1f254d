import ArgumentParser
import Evidence
import Foundation

/// The command `compress` and its verbs.
@main
struct Compress: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compress",
    abstract: "Make object detectors small and fast enough for edge devices.",
    discussion: """
      Reads a trained detector (ONNX or HDF5), prunes, factorises, quantises or distils it, writes a model that the ordinary runtimes \
      load, and reports accuracy against size and speed.

      EXAMPLES
        compress inspect model.onnx
        compress evaluate model.onnx --data coco/
        compress prune model.onnx --sparsity 0.75 --data coco/ --report report/
        compress lowrank model.onnx --rank energy=0.95 --calib images/
        compress quantize model.onnx --calib images/ --data coco/
        compress distill --teacher model.onnx --student small.onnx --data coco/ --epochs 20
        compress report model.onnx model-pruned.onnx --data coco/ --output report/
        compress run recipe.yaml

      EXIT STATUS
        0   done
        3   a quality floor (--max-drop, --min-map) was missed; the model is written
        64  wrong usage
        65  bad data in an input file
        66  an input file or folder does not exist or is empty
        70  an error inside the tool
        74  a file could not be read or written
        130 interrupted; files that existed stay whole
      """,
    version: Version.text,
    subcommands: [
      Inspect.self,
      Evaluate.self,
      Detect.self,
      Benchmark.self,
      Train.self,
      PruneCommand.self,
      LowRankCommand.self,
      QuantizeCommand.self,
      DistillCommand.self,
      Report.self,
      RunCommand.self,
      SweepCommand.self,
      Compare.self,
      Convert.self,
      DatasetCommand.self,
    ])

  static func main() {
    Interruption.install()
    ChildProcess.followParent()
    // A limit on file sizes is an error of the write, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot(CommandWords(CommandLine.arguments.dropFirst()).joined)
      try command.run()
    } catch {
      Exit.with(error, parser: self)
    }
  }
}
