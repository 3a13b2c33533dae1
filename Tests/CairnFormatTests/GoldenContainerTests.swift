// The golden containers of Fixtures/conformance: made by an independent writer from FORMAT.md.

import CairnFormat
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Crypto
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
    #expect(GoldenContainer.valid.count >= 30)
    #expect(GoldenContainer.invalid.count >= 300)
  }

  @Test(arguments: GoldenContainer.valid)
  func `A valid file has the content that its maker gave it`(file: GoldenContainer) throws {
    let container = try Container(MemoryBytes(file.bytes()))
    _ = try container.verify(.deep)
    let content = try #require(file.expected["content"])
    let tensors = try #require(content["tensors"]?.arrayValue)
    #expect(container.count == tensors.count)
    for expected in tensors {
      let name = try TensorName(#require(expected["name"]?.stringValue))
      let index = try #require(try container.index(of: name))
      let entry = try container.entry(at: index)
      let dtype = try #require(expected["dtype"]?.stringValue)
      #expect(
        entry.dtype.name == dtype || entry.dtype.name.hasPrefix("quantized") && dtype == "quantized"
      )
      #expect(entry.shape.dimensions == expected["shape"]?.arrayValue?.compactMap(\.intValue))
      #expect(entry.position == expected["position"]?.intValue)
      #expect(entry.aliasOf?.string == expected["alias_of"]?.stringValue)
      let digest = SHA256.hash(data: try container.tensor(at: index).bytes)
      #expect(digest.map { hex($0, digits: 2) }.joined() == expected["sha256"]?.stringValue)
    }
    #expect(container.root?.description == content["digests"]?.stringValue)
    let metadata = try #require(content["metadata"]?.objectValue)
    #expect(container.metadata.map(\.key.string) == metadata.map(\.key))
    for (key, expected) in metadata {
      let value = try #require(container.metadata[TensorName(key)])
      #expect(value.manifestForm == expected, "\(key)")
    }
    #expect(
      container.configuration.map { String(decoding: $0, as: UTF8.self) }
        == content["configuration"]?.stringValue)
    let blobs = try #require(content["blobs"]?.objectValue)
    #expect(try container.blobs.map(\.name.string) == blobs.map(\.key))
    for blob in try container.blobs {
      let digest = SHA256.hash(data: blob.bytes)
      #expect(
        digest.map { hex($0, digits: 2) }.joined() == blobs[blob.name.string]?.stringValue)
    }
  }

  @Test(arguments: GoldenContainer.invalid)
  func `An invalid file is refused with the word for what is wrong`(file: GoldenContainer) throws {
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
    #expect(codes.contains(error.code.name), "\(error)")
  }
}

extension MetadataValue {
  /// The value as the manifest spells it: float64 by its bits, bytes by their digits.
  fileprivate var manifestForm: JSONValue {
    func form(_ type: String, _ value: JSONValue) -> JSONValue {
      ["type": .string(type), "value": value]
    }
    func bits(_ value: Double) -> JSONValue { .string(hex(value.bitPattern, digits: 16)) }
    func digits(_ bytes: [UInt8]) -> JSONValue {
      .string(bytes.map { hex($0, digits: 2) }.joined())
    }
    return switch self {
    case .bool(let one): form("bool", .bool(one))
    case .int(let one): form("i64", .integer(one))
    case .uint(let one): form("u64", .unsigned(one))
    case .float(let one): form("f64", bits(one))
    case .string(let one): form("string", .string(one))
    case .bytes(let one): form("bytes", digits(one))
    case .bools(let all): form("bool[]", .array(all.map { .bool($0) }))
    case .ints(let all): form("i64[]", .array(all.map { .integer($0) }))
    case .uints(let all): form("u64[]", .array(all.map { .unsigned($0) }))
    case .floats(let all): form("f64[]", .array(all.map(bits)))
    case .strings(let all): form("string[]", .array(all.map { .string($0) }))
    case .byteStrings(let all): form("bytes[]", .array(all.map(digits)))
    }
  }
}
