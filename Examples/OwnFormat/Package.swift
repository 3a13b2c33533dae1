// swift-tools-version: 6.2
import PackageDescription

// A package of its own that stands on the product `Cairn` alone, as a user's does.

let strict = Context.environment["CAIRN_STRICT"] == "1"

let package = Package(
  name: "own-format",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "../..")],
  targets: [
    .executableTarget(
      name: "OwnFormat", dependencies: [.product(name: "Cairn", package: "cairn")],
      swiftSettings: [.swiftLanguageMode(.v6)]
        + (strict ? [.treatAllWarnings(as: .error)] : []))
  ]
)
