// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that whoever depends on Cairn never builds it.

let strict = Context.environment["CAIRN_STRICT"] == "1"

/// The package above is named after its folder. What is measured here counts as of it, so that the benchmarks
/// reach what a user of the library does not: the container's own reader and writer.
let cairn = String(
  (Context.packageDirectory.split(separator: "/").dropLast().last ?? "cairn").lowercased()
    .map { $0.isLetter || $0.isNumber ? $0 : "_" })

let package = Package(
  name: "cairn-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "..")],
  targets: [
    .target(name: "CMeasure"),
    .executableTarget(
      name: "cairn-bench",
      dependencies: ["CMeasure", .product(name: "Cairn", package: "cairn")],
      packageAccess: false,
      swiftSettings: [
        .unsafeFlags(["-package-name", cairn]),
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ] + (strict ? [.treatAllWarnings(as: .error)] : [])),
  ]
)
