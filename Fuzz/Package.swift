// swift-tools-version: 6.2
import PackageDescription

// The fuzzers: a package of its own, so that whoever depends on Cairn builds none of it. `make fuzz`
// in the folder above builds and runs them; README.md says how.

/// As in the package above.
let strict = Context.environment["CAIRN_STRICT"] == "1"
let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

/// A fuzzer: an executable whose `main` is libFuzzer's.
func fuzzer(_ name: String) -> Target {
  .executableTarget(
    name: name,
    dependencies: [
      "CFuzzing", "ContainerForge", "FuzzHarness", .product(name: "Cairn", package: "cairn"),
    ], swiftSettings: settings,
    // Calls of mmap and munmap go by way of the allocation meter in CFuzzing.
    linkerSettings: [.unsafeFlags(["-Xlinker", "--wrap=mmap", "-Xlinker", "--wrap=munmap"])])
}

let package = Package(
  name: "cairn-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "..")],
  targets: [
    .target(name: "CFuzzing", linkerSettings: [.linkedLibrary("z")]),
    .target(name: "ContainerForge", dependencies: ["CFuzzing"], swiftSettings: settings),
    .target(
      name: "FuzzHarness",
      dependencies: ["CFuzzing", "ContainerForge", .product(name: "Cairn", package: "cairn")],
      swiftSettings: settings),
    fuzzer("FuzzOpen"), fuzzer("FuzzIndex"), fuzzer("FuzzChunk"), fuzzer("FuzzMetadata"),
    fuzzer("FuzzSafetensors"), fuzzer("FuzzModel"), fuzzer("FuzzPredict"), fuzzer("FuzzSalvage"),
    fuzzer("FuzzInflate"), fuzzer("FuzzEncode"),
    fuzzer("FuzzNumpy"), fuzzer("FuzzPytorch"), fuzzer("FuzzPickle"), fuzzer("FuzzGguf"),
    fuzzer("FuzzOnnx"),
    fuzzer("FuzzTensorflow"), fuzzer("FuzzShards"), fuzzer("FuzzHdf5"),
  ]
)
