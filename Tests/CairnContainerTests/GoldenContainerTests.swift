// The golden containers of Fixtures/conformance: made by an independent writer from FORMAT.md.

import CairnCheckpoints
import CairnConformance
import CairnContainer
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

private let folder = URL(filePath: fixtures + "/conformance")

/// One file of the manifest.
struct GoldenContainer: Sendable, CustomTestStringConvertible {
  var name: String
  var expected: JSONValue
  var testDescription: String { name }

  static let all: [GoldenContainer] = {
    guard let data = try? Data(contentsOf: folder.appendingPathComponent("manifest.json")),
      let manifest = try? JSONValue(parsing: Array(data)),
      let files = manifest["files"]?.objectValue
    else { return [] }
    return files.map { GoldenContainer(name: $0.key, expected: $0.value) }
  }()
  static let valid = all.filter { $0.name.hasPrefix("ok-") }
  static let invalid = all.filter { !$0.name.hasPrefix("ok-") }

  func bytes() throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appendingPathComponent(name)))
  }
}

@Suite struct GoldenContainerTests {
  @Test func `The manifest names every file, and there are as many as there should be`() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".cairn") }
    #expect(Set(names) == Set(GoldenContainer.all.map(\.name)))
    #expect(GoldenContainer.valid.count >= 200)
    #expect(GoldenContainer.invalid.count >= 500)
  }

  @Test(arguments: GoldenContainer.valid)
  func `A valid file has the content that its maker gave it`(file: GoldenContainer) throws {
    let container = try Container(MemoryBytes(file.bytes()))
    _ = try container.verify(.deep)
    let content = try #require(file.expected["content"])
    let report = try contentReport(of: container)
    for (key, value) in try #require(content.objectValue) {
      #expect(report[key] == value, "\(key)")
    }
  }

  @Test(arguments: GoldenContainer.invalid)
  func `An invalid file is refused with the word for what is wrong, and the place`(
    file: GoldenContainer
  ) throws {
    let bytes = try file.bytes()
    var found: CairnError?
    do throws(CairnError) {
      let container = try Container(MemoryBytes(bytes))
      _ = try container.verify(.deep)
    } catch {
      found = error
    }
    let error = try #require(found, "accepted")
    let codes = (file.expected["codes"]?.arrayValue ?? []).compactMap(\.stringValue)
    #expect(codes.isEmpty || codes.contains(error.code.name), "\(error)")
    let offset = try #require(error.location.offset, "\(error)")
    let places = (file.expected["within"]?.arrayValue ?? []).compactMap(\.arrayValue)
    let isPlaced = places.contains { place in
      let ends = place.compactMap(\.intValue)
      return ends.count == 2 && ends[0] <= Int(offset) && Int(offset) <= ends[1]
    }
    #expect(places.isEmpty || isPlaced, "\(error)")
  }
}
