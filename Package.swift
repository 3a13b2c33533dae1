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

let package = Package(
  name: "cairn",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Cairn", targets: ["Cairn"]),
    .executable(name: "cairn", targets: ["CairnCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-crypto", "3.8.0"..<"5.0.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),

    .target(name: "CCairnKernels"),
    .target(name: "CCairnSystem"),

    storey("CairnSystem", on: ["CCairnSystem"]),
    storey("CairnJSON"),
    storey("CairnTensors", on: ["CairnJSON", "CairnSystem"]),
    storey("CairnCodec", on: ["CCairnKernels", "CZlib"]),
    storey(
      "CairnContainer",
      on: [
        "CairnCodec", "CairnJSON", "CairnSystem", "CairnTensors",
        .product(name: "Crypto", package: "swift-crypto"),
      ]),
    storey("CairnModels", on: ["CairnJSON", "CairnSystem", "CairnTensors"]),
    storey("CairnComparison", on: ["CairnContainer", "CairnJSON", "CairnSystem", "CairnTensors"]),
    storey(
      "CairnModelFiles",
      on: ["CairnContainer", "CairnJSON", "CairnModels", "CairnSystem", "CairnTensors"]),
    storey(
      "CairnForeign",
      on: [
        "CairnCodec", "CairnContainer", "CairnJSON", "CairnModels", "CairnSystem", "CairnTensors",
      ]),
    storey(
      "Cairn",
      on: [
        "CairnModelFiles", "CairnComparison", "CairnContainer", "CairnForeign", "CairnJSON",
        "CairnModels", "CairnSystem", "CairnTensors",
      ]),
    storey("CairnTerminal", on: ["CairnJSON", "CairnSystem"]),
    storey(
      "CairnDemo",
      on: [
        "CairnModelFiles", "CairnComparison", "CairnContainer", "CairnForeign", "CairnJSON",
        "CairnModels", "CairnSystem", "CairnTensors", "CairnTerminal",
      ]),
    .executableTarget(
      name: "CairnCommand",
      dependencies: [
        "CairnModelFiles", "CairnComparison", "CairnContainer", "CairnForeign", "CairnJSON",
        "CairnModels", "CairnSystem", "CairnTensors", "CairnDemo", "CairnTerminal",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),

    .target(
      name: "CairnTestSupport",
      dependencies: ["CairnSystem", .product(name: "Crypto", package: "swift-crypto")],
      path: "Tests/Support", swiftSettings: settings),
    .target(
      name: "CairnConformance",
      dependencies: [
        "CairnContainer", "CairnJSON", "CairnSystem", "CairnTensors", "CairnTestSupport",
      ],
      path: "Tests/ConformanceSupport", swiftSettings: settings),
    .target(
      name: "CairnGoldens",
      dependencies: [
        "CairnForeign", "CairnJSON", "CairnSystem", "CairnTensors", "CairnTestSupport",
      ], path: "Tests/Goldens", swiftSettings: settings),
    // Built from the root package only: the conformance suite's and the damage tests' way in.
    .executableTarget(
      name: "cairn-conformance",
      dependencies: [
        "CairnConformance", "CairnContainer", "CairnJSON", "CairnSystem", "CairnTestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/ConformanceTool", swiftSettings: settings),
    tests(of: "CairnSystem"),
    tests(of: "CairnJSON"),
    tests(of: "CairnTensors", with: ["CairnSystem"]),
    tests(of: "CairnCodec", with: ["CZlib"]),
    tests(
      of: "CairnContainer",
      with: [
        "CairnCodec", "CairnConformance", "CairnJSON", "CairnSystem", "CairnTensors",
      ]),
    tests(
      of: "CairnModels",
      with: [
        "CairnDemo", "CairnForeign", "CairnGoldens", "CairnJSON", "CairnSystem", "CairnTensors",
      ]),
    tests(
      of: "CairnComparison",
      with: ["CairnContainer", "CairnForeign", "CairnJSON", "CairnSystem", "CairnTensors"]),
    tests(
      of: "CairnForeign",
      with: [
        "CairnCodec", "CairnContainer", "CairnJSON", "CairnModels", "CairnSystem", "CairnTensors",
      ]),
    tests(
      of: "Cairn",
      with: ["CairnContainer", "CairnForeign", "CairnGoldens", "CairnSystem", "CairnTensors"]),
    tests(
      of: "CairnCommand",
      with: [
        "CairnCodec", "CairnContainer", "CairnForeign", "CairnGoldens", "CairnJSON", "CairnSystem",
        "CairnTensors",
      ],
      exclude: ["Goldens"]),
  ]
)
