// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A Swift library of the package; its dependencies are arrows of `Documentation/Architecture.md`.
func library(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let collections: Target.Dependency = .product(
  name: "OrderedCollections", package: "swift-collections")

/// What the package in `Benchmarks` imports, one by one.
let benchmarked = [
  "Tensors", "GraphIR", "Operators", "Execution", "Formats", "Compression", "Prune", "LowRank",
  "TestSupport",
]

let package = Package(
  name: "compress",
  products: [
    .library(name: "CompressKit", targets: ["CompressKit"]),
    .executable(name: "compress", targets: ["Compress"]),
    .executable(name: "sparse-study", targets: ["SparseStudy"]),
    .executable(name: "library-example", targets: ["LibraryExample"]),
    .executable(name: "fuzz", targets: ["Fuzz"]),
  ] + benchmarked.map { .library(name: $0, targets: [$0]) },
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebp", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CKernels", cSettings: [.headerSearchPath("common")]),
    .target(name: "CEmbedded", exclude: ["default.onnx"]),
    .target(name: "CProcess"),

    library("Tensors", ["COpenBLAS"]),
    library("Kernels", ["Tensors", "CKernels"], exclude: ["README.md"]),
    library("GraphIR", ["Tensors", collections]),
    library("Operators", ["GraphIR", "Kernels", "Tensors", collections]),
    library("Execution", ["GraphIR", "Tensors"]),
    library(
      "Formats",
      [
        "GraphIR", "Tensors", "CHDF5", "CCrypto", "CZlib", collections,
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["ONNX/onnx.proto"]),
    library(
      "ObjectDetection",
      [
        "Tensors", "GraphIR", "Operators", "Execution", "Formats", "CTurboJPEG", "CPNG", "CWebP",
        .product(name: "Yams", package: "Yams"),
      ]),
    library("Architectures", ["ObjectDetection", "GraphIR", "Tensors"]),
    library(
      "Training",
      ["Operators", "Execution", "ObjectDetection", "Formats", "GraphIR", "Tensors", collections]),
    library(
      "Compression",
      ["Training", "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors"]),
    library(
      "Prune",
      [
        "Compression", "Training", "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors",
      ]),
    library(
      "Quantize",
      [
        "Compression", "Training", "ObjectDetection", "Operators", "Execution", "Kernels",
        "Formats", "GraphIR", "Tensors",
      ]),
    library(
      "Distill",
      [
        "Training", "Operators", "Execution", "ObjectDetection", "Formats", "GraphIR", "Tensors",
      ]),
    library(
      "LowRank",
      [
        "Compression", "Training", "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors",
      ]),
    library("Reports"),
    library(
      "Evidence",
      [
        "Prune", "Quantize", "LowRank", "Distill", "Compression", "Training", "Reports",
        "ObjectDetection", "Execution", "Formats", "GraphIR", "Tensors", "CEmbedded",
      ]),
    library(
      "CompressKit",
      [
        "Evidence", "Prune", "Quantize", "LowRank", "Distill", "Compression", "Training",
        "Architectures", "Reports", "ObjectDetection", "Operators", "Execution", "Formats",
        "GraphIR", "Tensors",
      ]),
    .executableTarget(
      name: "Compress",
      dependencies: [
        "Tensors", "GraphIR", "Operators", "Execution", "Formats", "ObjectDetection",
        "Architectures", "Training", "Compression", "Prune", "Quantize", "LowRank", "Distill",
        "Reports",
        "Evidence", "CompressKit", "CProcess",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),

    .executableTarget(
      name: "LibraryExample", dependencies: ["CompressKit"], path: "Examples/library",
      exclude: ["README.md"], packageAccess: false, swiftSettings: strict),

    .executableTarget(
      name: "SparseStudy",
      dependencies: [
        "Reports", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Examples/sparse-large-vs-dense-small", swiftSettings: strict),

    // `FuzzTests` reads its inputs in process, so it stays out of the package in `Benchmarks`.
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "Architectures", "Prune", "Quantize", "Compression", "ObjectDetection", "Formats",
        "Operators",
        "Execution", "GraphIR", "Tensors", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Tools/fuzz", swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["Tensors", "GraphIR"], path: "Tests/_TestSupport",
      swiftSettings: strict),
    tests("TensorsTests", ["Tensors", "TestSupport"]),
    tests("KernelsTests", ["Kernels", "CKernels", "Tensors", "TestSupport"]),
    tests("GraphIRTests", ["GraphIR", "Tensors", "TestSupport"]),
    tests("OperatorsTests", ["Operators", "GraphIR", "Tensors", "TestSupport"]),
    tests(
      "ExecutionTests",
      ["Execution", "Formats", "Operators", "GraphIR", "Tensors", "TestSupport"]),
    tests("FormatsTests", ["Formats", "GraphIR", "Tensors", "TestSupport"]),
    tests(
      "ObjectDetectionTests",
      ["ObjectDetection", "Formats", "GraphIR", "Tensors", "TestSupport"]),
    tests(
      "ArchitecturesTests",
      [
        "Architectures", "Training", "Operators", "Execution", "Formats", "ObjectDetection",
        "GraphIR",
        "Tensors", "TestSupport",
      ]),
    tests(
      "TrainingTests",
      [
        "Training", "Architectures", "Operators", "Execution", "Formats", "ObjectDetection",
        "GraphIR", "Tensors", "TestSupport",
      ]),
    tests(
      "PruneTests",
      [
        "Prune", "Compression", "Training", "ObjectDetection", "Architectures", "Operators",
        "Execution", "Formats",
        "GraphIR",
        "Tensors",
        "TestSupport",
      ]),
    tests(
      "QuantizeTests",
      [
        "Quantize", "Compression", "Training", "ObjectDetection", "Architectures", "Operators",
        "Execution", "Formats",
        "GraphIR", "Tensors", "TestSupport",
      ]),
    tests(
      "DistillTests",
      [
        "Distill", "Training", "Architectures", "Operators", "Execution", "Formats",
        "ObjectDetection", "GraphIR", "Tensors", "TestSupport",
      ]),
    tests(
      "LowRankTests",
      [
        "LowRank", "Compression", "ObjectDetection", "Architectures", "Operators", "Execution",
        "Formats", "GraphIR",
        "Tensors", "TestSupport",
      ]),
    tests("ReportsTests", ["Reports", "TestSupport"]),
    tests("ExampleTests", ["Compress", "SparseStudy", "LibraryExample", "TestSupport"]),
    // A stranger: nothing but what is public.
    .testTarget(
      name: "StrangerTests", dependencies: ["CompressKit"], packageAccess: false,
      swiftSettings: strict),
    tests(
      "CommandTests",
      [
        "Compress", "Compression", "Formats", "GraphIR", "ObjectDetection", "Tensors",
        "TestSupport",
      ]),
    tests("FuzzTests", ["Fuzz", "GraphIR", "TestSupport"]),
    tests("StructureTests", []),
  ],
  swiftLanguageModes: [.v6]
)
