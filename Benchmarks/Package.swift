// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A module of the toolkit.
func module(_ name: String) -> Target.Dependency { .product(name: name, package: "compress") }

/// A program in the folder of its name.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name,
    dependencies: dependencies + [
      .product(name: "ArgumentParser", package: "swift-argument-parser")
    ], path: name, swiftSettings: strict)
}

// What times and judges the toolkit, in a package of its own: who builds the toolkit does not
// build this. It sees what every package that imports the toolkit sees.
let package = Package(
  name: "compress-benchmarks",
  products: [
    .executable(name: "operator-bench", targets: ["OperatorBench"]),
    .executable(name: "lasso-bench", targets: ["LassoBench"]),
    .executable(name: "lowrank-bench", targets: ["LowRankBench"]),
    .executable(name: "node-tests", targets: ["NodeTests"]),
  ],
  dependencies: [
    .package(name: "compress", path: ".."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    program(
      "OperatorBench",
      [
        module("Execution"), module("GraphIR"), module("Operators"), module("Tensors"),
        module("TestSupport"),
      ]),
    program("LassoBench", [module("Prune"), module("Compression"), module("Tensors")]),
    program("LowRankBench", [module("LowRank"), module("Tensors")]),
    program(
      "NodeTests",
      [
        module("Execution"), module("Formats"), module("GraphIR"), module("Operators"),
        module("Tensors"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
