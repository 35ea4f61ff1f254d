import ArgumentParser
import Foundation
import Compression
import Prune
import Tensors

/// Times LASSO selection and least-squares reconstruction of one layer.
///
/// `Tools/bench/lasso.py` compares with scikit-learn.
@main
struct LassoBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lasso-bench",
    abstract: "Choose channels of a layer by LASSO and refit it, from raw float32 files.")

  @Option(help: "Patches, [positions, channels · kernel].") var patches: String
  @Option(help: "Responses, [positions, outputs].") var responses: String
  @Option(help: "Weights, [outputs, channels · kernel].") var weights: String
  @Option(help: "Input channels.") var channels: Int
  @Option(help: "Output channels.") var outputs: Int
  @Option(help: "Input channels that stay.") var keep: Int
  @Option(help: "Threads.") var threads = 2
  @Option(help: "Runs; the median counts.") var runs = 5

  func run() throws {
    let (x, y, w) = (try floats(patches), try floats(responses), try floats(weights))
    let depth = w.count / outputs
    let pool = ThreadPool(threads: threads)
    var seconds: [Double] = []
    var kept: [Int] = []
    var fit: LeastSquaresReconstruction?
    for _ in 0..<runs {
      let elapsed = ContinuousClock().measure {
        var moments = PatchMoments(depth: depth, outputs: outputs)
        moments.add(patches: x, responses: y, pool: pool)
        kept = LassoProblem(moments, weights: w, channels: channels, pool: pool).select(keep)
        fit = LeastSquaresReconstruction(moments, weights: w, channels: channels, keeping: kept)
      }
      seconds.append(elapsed / .seconds(1))
    }
    let result = Result(
      seconds: seconds.sorted()[seconds.count / 2], kept: kept, error: fit?.errorAfter ?? .nan)
    print(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
  }

  private struct Result: Encodable {
    var seconds: Double
    var kept: [Int]
    var error: Double
  }

  private func floats(_ path: String) throws -> [Float] {
    let data = try Data(contentsOf: URL(filePath: path))
    return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }
}
