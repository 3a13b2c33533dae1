// swift-tools-version: 6.2
import PackageDescription

/// `CAIRN_STRICT=1` turns every warning of our own targets into an error (`.ci/run`). It is not the
/// default, so that a newer compiler's new warning never breaks a dependent's build.
let strict = Context.environment["CAIRN_STRICT"] == "1"

let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

/// A storey of the house: a target that imports only what is below it.
func storey(_ name: String, on below: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: below, swiftSettings: settings)
}

/// The tests of a storey.
func tests(
  of name: String, with others: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.byName(name: name), "CairnTestSupport"] + others,
    exclude: exclude, swiftSettings: settings)
}

/// What nearly every target stands on.
let ground: [Target.Dependency] = [
  "CairnCheckpoints", "CairnJSON", "CairnSystem", "CairnTensors",
]
/// Checkpoints as files of tensors.
let formats: [Target.Dependency] = [
  "CairnCodec", "CairnComparison", "CairnContainer", "CairnEditing", "CairnForeign",
]
/// Models, and models in files.
let models: [Target.Dependency] = ["CairnModelFiles", "CairnModels"]

let package = Package(
  name: "cairn",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Cairn", targets: ["Cairn"]),
    // Models without files, and files of tensors without models.
    .library(name: "CairnModels", targets: ["CairnModels"]),
    .library(
      name: "CairnCheckpoints",
      targets: [
        "CairnCheckpoints", "CairnComparison", "CairnContainer", "CairnEditing", "CairnForeign",
      ]),
    .executable(name: "cairn", targets: ["CairnCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    .target(name: "CCairnKernels"),
    .target(name: "CCairnSystem"),

    storey("CairnSystem", on: ["CCairnSystem"]),
    storey("CairnJSON"),
    storey("CairnTensors", on: ["CairnJSON", "CairnSystem"]),
    storey("CairnCheckpoints", on: ["CairnJSON", "CairnSystem", "CairnTensors"]),
    storey("CairnCodec", on: ["CCairnKernels", "CZlib"]),
    storey("CairnContainer", on: ground + ["CairnCodec"]),
    storey("CairnForeign", on: ground + ["CairnCodec", "CairnContainer"]),
    storey("CairnEditing", on: ground + ["CairnForeign"]),
    storey("CairnComparison", on: ground + ["CairnContainer"]),
    storey("CairnModels", on: ground + ["CCairnKernels"]),
    storey("CairnModelFiles", on: ground + ["CairnContainer", "CairnForeign", "CairnModels"]),
    storey("Cairn", on: ground + formats + models),
    storey("CairnTerminal", on: ["CairnJSON", "CairnSystem"]),
    storey("CairnDemo", on: ground + formats + models + ["CairnTerminal"]),
    .executableTarget(
      name: "CairnCommand",
      dependencies: ground + formats + models + [
        "CairnDemo", "CairnTerminal",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),

    .target(
      name: "CairnTestSupport", dependencies: ["CairnCodec", "CairnSystem"], path: "Tests/Support",
      swiftSettings: settings),
    .target(
      name: "CairnConformance", dependencies: ground + ["CairnContainer", "CairnTestSupport"],
      path: "Tests/ConformanceSupport", swiftSettings: settings),
    .target(
      name: "CairnGoldens",
      dependencies: ground + ["CairnForeign", "CairnModelFiles", "CairnTestSupport"],
      path: "Tests/Goldens", swiftSettings: settings),
    // Built from the root package only: the conformance suite's and the damage tests' way in.
    .executableTarget(
      name: "cairn-conformance",
      dependencies: ground + [
        "CairnConformance", "CairnContainer", "CairnTestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/ConformanceTool", swiftSettings: settings),
    tests(of: "CairnSystem"),
    tests(of: "CairnJSON"),
    tests(of: "CairnTensors", with: ["CairnCheckpoints", "CairnSystem"]),
    tests(of: "CairnCodec", with: ["CZlib"]),
    tests(of: "CairnContainer", with: ground + ["CairnCodec", "CairnConformance"]),
    tests(
      of: "CairnForeign",
      with: ground + [
        "CairnCodec", "CairnComparison", "CairnContainer", "CairnEditing", "CairnModelFiles",
        "CairnModels",
      ]),
    tests(of: "CairnEditing", with: ground + ["CairnContainer", "CairnForeign"]),
    tests(
      of: "CairnComparison", with: ground + ["CairnContainer", "CairnForeign", "CairnModelFiles"]),
    tests(of: "CairnModels", with: ground + ["CairnDemo", "CairnForeign", "CairnGoldens"]),
    tests(of: "Cairn", with: ground + formats + models + ["CairnGoldens"]),
    tests(
      of: "CairnCommand", with: ground + formats + models + ["CairnGoldens"], exclude: ["Goldens"]),
  ]
)
