// swift-tools-version: 6.2
import PackageDescription

/// `CAIRN_STRICT=1` turns every warning of our own targets into an error (`make lint`, `.ci/run`).
/// It is not the default, so that a newer compiler's new warning never breaks a dependent's build.
let strict = Context.environment["CAIRN_STRICT"] == "1"

let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "cairn",
  platforms: [.macOS(.v15)],
  products: [],
  dependencies: [],
  targets: [
    .systemLibrary(
      name: "CZlib",
      pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]
    ),
    .target(name: "CairnSystem", swiftSettings: settings),
    .target(name: "CairnJSON", swiftSettings: settings),
    .target(name: "CairnTensors", dependencies: ["CairnSystem"], swiftSettings: settings),
    .target(name: "CairnCodec", dependencies: ["CZlib"], swiftSettings: settings),
    .target(
      name: "CairnModels", dependencies: ["CairnSystem", "CairnTensors", "CairnJSON"],
      swiftSettings: settings),

    .testTarget(name: "CairnJSONTests", dependencies: ["CairnJSON"], swiftSettings: settings),
    .testTarget(
      name: "CairnTensorsTests", dependencies: ["CairnTensors", "CairnSystem"],
      swiftSettings: settings),
    .testTarget(
      name: "CairnCodecTests", dependencies: ["CairnCodec", "CZlib"], swiftSettings: settings),
    .testTarget(
      name: "CairnModelsTests",
      dependencies: ["CairnModels", "CairnTensors", "CairnJSON", "CairnSystem"],
      swiftSettings: settings),
  ]
)
