// swift-tools-version: 6.2
import PackageDescription

// The fuzzers: a package of its own, so that whoever depends on Cairn builds none of it. `make fuzz`
// in the folder above builds and runs them; README.md says how.

/// As in the package above.
let strict = Context.environment["CAIRN_STRICT"] == "1"
/// The package above is named after its folder. Fuzzers count as of it, so that they reach what a user of
/// the library does not: each format's reader, the codec, the JSON parser.
let cairn = String(
  (Context.packageDirectory.split(separator: "/").dropLast().last ?? "cairn").lowercased()
    .map { $0.isLetter || $0.isNumber ? $0 : "_" })
let settings: [SwiftSetting] =
  [
    .unsafeFlags(["-package-name", cairn]),
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "cairn-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "..")],
  targets: [
    .target(name: "CFuzzing", linkerSettings: [.linkedLibrary("z")]),
    // A link to a folder of the tests', which make and take apart files in the same way.
    .target(
      name: "Forge", dependencies: [.product(name: "Cairn", package: "cairn")],
      packageAccess: false,
      swiftSettings: settings),
    // All targets in one executable, whose `main` is libFuzzer's.
    .executableTarget(
      name: "Fuzzers",
      dependencies: ["CFuzzing", "Forge", .product(name: "Cairn", package: "cairn")],
      packageAccess: false,
      swiftSettings: settings,
      // Calls of mmap and munmap go by way of the allocation meter in CFuzzing.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--wrap=mmap", "-Xlinker", "--wrap=munmap"])]),
  ]
)
