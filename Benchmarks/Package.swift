// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that whoever depends on Cairn never builds it.

let strict = Context.environment["CAIRN_STRICT"] == "1"

let package = Package(
  name: "cairn-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "..")],
  targets: [
    .target(name: "CMeasure"),
    .executableTarget(
      name: "cairn-bench",
      dependencies: ["CMeasure", .product(name: "Cairn", package: "cairn")],
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ] + (strict ? [.treatAllWarnings(as: .error)] : [])),
  ]
)
