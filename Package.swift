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
  products: [
    .executable(name: "cairn", targets: ["CairnCommand"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-crypto", "3.8.0"..<"5.0.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CZlib",
      pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]
    ),
    .target(name: "CairnSystem", swiftSettings: settings),
    .target(name: "CairnJSON", swiftSettings: settings),
    .target(
      name: "CairnTensors", dependencies: ["CairnJSON", "CairnSystem"], swiftSettings: settings),
    .target(name: "CairnCodec", dependencies: ["CZlib"], swiftSettings: settings),
    .target(
      name: "CairnInterchange",
      dependencies: ["CairnFormat", "CairnJSON", "CairnSystem", "CairnTensors"],
      swiftSettings: settings),
    .target(
      name: "CairnComparison", dependencies: ["CairnJSON", "CairnSystem", "CairnTensors"],
      swiftSettings: settings),

    .target(
      name: "CairnFormat",
      dependencies: [
        "CairnCodec", "CairnJSON", "CairnSystem", "CairnTensors",
        .product(name: "Crypto", package: "swift-crypto"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "CairnCommand",
      dependencies: [
        "CairnComparison", "CairnFormat", "CairnInterchange", "CairnJSON", "CairnSystem",
        "CairnTensors",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),

    .testTarget(
      name: "CairnFormatTests", dependencies: ["CairnFormat", "CairnSystem", "CairnTensors"],
      swiftSettings: settings),
    .testTarget(
      name: "CairnSystemTests", dependencies: ["CairnSystem"], swiftSettings: settings),
    .testTarget(name: "CairnJSONTests", dependencies: ["CairnJSON"], swiftSettings: settings),
    .testTarget(
      name: "CairnTensorsTests", dependencies: ["CairnTensors", "CairnSystem"],
      swiftSettings: settings),
    .testTarget(
      name: "CairnInterchangeTests",
      dependencies: ["CairnInterchange", "CairnJSON", "CairnSystem", "CairnTensors"],
      swiftSettings: settings),
    .testTarget(
      name: "CairnComparisonTests",
      dependencies: [
        "CairnComparison", "CairnInterchange", "CairnJSON", "CairnSystem", "CairnTensors",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "CairnCodecTests", dependencies: ["CairnCodec", "CZlib"], swiftSettings: settings),
  ]
)
