// The golden containers through the command: what it makes of hundreds of files, most of them bad.

import CairnJSON
import CairnTestSupport
import Foundation
import Testing

@Suite struct GoldenContainerTests {
  private let folder: TestFolder
  private static let containers = fixtures + "/conformance"

  init() throws { folder = try TestFolder() }

  /// Runs a command on every third golden container (the library's own tests read them all): by
  /// file, its exit status and its complaint.
  private func runs(_ command: String) async throws -> [String: (status: Int32, errors: String)] {
    // One shell for all: starting each from here would take longer than what they do.
    let run = try await shell(
      """
      number=0
      for file in "$1"/*.cairn; do
        number=$((number + 1))
        [ $((number % 3)) -eq 0 ] || continue
        errors=$(\(command) 2>&1 >/dev/null)
        printf '%s\\t%s\\t%s\\0' $? "${file##*/}" "$errors"
      done
      """, Self.containers, in: folder)
    var results: [String: (status: Int32, errors: String)] = [:]
    for record in run.output.split(separator: "\0") {
      let parts = record.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
      try #require(parts.count == 3)
      results[String(parts[1])] = (try #require(Int32(parts[0])), String(parts[2]))
    }
    try #require(results.count > 250)
    return results
  }

  /// The entries of the manifest.
  private func manifest() throws -> [(name: String, entry: JSONValue)] {
    let data = try Data(contentsOf: URL(filePath: Self.containers + "/manifest.json"))
    let files = try #require(JSONValue(parsing: [UInt8](data))["files"]?.objectValue)
    return files.map { ($0.key, $0.value) }
  }

  private func isComplaint(_ text: String) -> Bool {
    text.hasPrefix("cairn: ") && !text.contains("\n") && text.contains(/\[[a-zA-Z]+\]/)
  }

  /// Whether it is one line that says what a copy will not have.
  private func isNote(_ text: String) -> Bool {
    text.hasPrefix("cairn: note: ") && !text.contains("\n")
  }

  @Test func `Deep verification refuses each bad one, with a place, and accepts each good one`()
    async throws
  {
    let results = try await runs("\"$CAIRN\" verify --deep \"$file\"")
    for (name, entry) in try manifest() {
      guard let result = results[name] else { continue }
      if entry["expect"] == .string("accept") {
        #expect(result.status == 0 && result.errors == "", "\(name): \(result.errors)")
      } else {
        #expect(result.status == 1 && isComplaint(result.errors), "\(name): \(result.errors)")
        #expect(result.errors.contains(/\ at byte [0-9]+/), "\(name): \(result.errors)")
      }
    }
  }

  @Test func `verify refuses what needs no decoding`() async throws {
    let results = try await runs("\"$CAIRN\" verify \"$file\"")
    for (name, entry) in try manifest() {
      guard let result = results[name] else { continue }
      let level = entry["level"]?.stringValue
      if level == "open" || level == "verify" {
        #expect(result.status == 1 && isComplaint(result.errors), "\(name): \(result.errors)")
      } else {
        #expect(result.status == 0 || result.status == 1, "\(name): \(result.errors)")
      }
    }
  }

  @Test(arguments: [
    "\"$CAIRN\" info \"$file\"", "\"$CAIRN\" convert --no-sync \"$file\" out.safetensors",
  ])
  func `No command dies of a bad file, or takes one that cannot be opened`(command: String)
    async throws
  {
    let results = try await runs(command)
    for (name, entry) in try manifest() {
      guard let result = results[name] else { continue }
      switch result.status {
      case 0:
        #expect(result.errors.isEmpty || isNote(result.errors), "\(name)")
        #expect(entry["level"] != .string("open"), "\(name)")
      default:
        let complaint = result.errors.split(separator: "\n").last.map(String.init) ?? ""
        #expect(result.status == 2 && isComplaint(complaint), "\(name): \(result.errors)")
        if entry["expect"] == .string("accept") {
          // Good, but with something that the other format has no place for.
          #expect(result.errors.contains("[cannotHold]"), "\(name): \(result.errors)")
        }
      }
    }
    #expect(try folder.names().allSatisfy { $0.hasPrefix("out.") }, "no temporary files")
  }
}
