// The golden files of other ecosystems' formats, and what their own libraries read in them.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// A file that a format's own library wrote, with what that library reads in it.
struct FormatFixture: Sendable, CustomTestStringConvertible {
  /// One tensor.
  struct Expected: Sendable {
    var name: String
    var dtype: String
    var shape: [Int]
    var hex: String
    var aliasOf: String?
  }

  var folder: String
  var file: String
  var tensors: [Expected]
  var metadata: [String: JSONValue]

  var path: String { "\(fixtures)/\(folder)/\(file)" }
  var testDescription: String { "\(folder)/\(file)" }

  /// All fixtures of a folder, ascending by name.
  static func all(_ folder: String) -> [FormatFixture] {
    do {
      let root = try JSONValue(parsing: contents(of: "\(fixtures)/\(folder)/expected.json"))
      let files = try #require(root["files"]?.objectValue)
      return try files.map { member in
        try FormatFixture(folder: folder, file: member.key, member.value)
      }
    } catch {
      Issue.record("no expectations in \(folder): \(error)")
      return []
    }
  }

  private init(folder: String, file: String, _ value: JSONValue) throws {
    self.folder = folder
    self.file = file
    tensors = try (value["tensors"]?.arrayValue ?? []).map { tensor in
      try Expected(
        name: #require(tensor["name"]?.stringValue),
        dtype: #require(tensor["dtype"]?.stringValue),
        shape: #require(tensor["shape"]?.arrayValue).compactMap(\.intValue),
        hex: #require(tensor["hex"]?.stringValue), aliasOf: tensor["alias_of"]?.stringValue)
    }
    var metadata: [String: JSONValue] = [:]
    for member in value["metadata"]?.objectValue ?? [:] { metadata[member.key] = member.value }
    self.metadata = metadata
  }

  /// Holds what Cairn reads against what the library reads: names, order, types, shapes, ties, bits,
  /// read at once and in awkward parts, from an open and from a mapped file.
  func check() throws {
    for access in FileAccess.allCases {
      var options = ReadOptions()
      options.access = access
      let source = try CheckpointFile.open(path, options: options).source
      let entries = try source.indicesInWeightOrder().map { ($0, try source.entry(at: $0)) }
      #expect(entries.map { $0.1.name.string } == tensors.map(\.name))
      for ((index, entry), expected) in zip(entries, tensors) {
        #expect(entry.dtype.name == expected.dtype, "\(expected.name)")
        #expect(entry.shape.dimensions == expected.shape, "\(expected.name)")
        #expect(entry.aliasOf?.string == expected.aliasOf, "\(expected.name)")
        #expect(try source.tensor(at: index).bytes.hexDigits == expected.hex, "\(expected.name)")
        #expect(try Self.inParts(source, index, entry).hexDigits == expected.hex)
      }
    }
  }

  /// The tensor's bytes in parts of 5, which begin and end within elements.
  private static func inParts(
    _ source: any TensorSource, _ index: Int, _ entry: TensorEntry
  ) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < entry.byteCount {
      var part = [UInt8](repeating: 0, count: min(5, entry.byteCount - bytes.count))
      var span = part.mutableSpan
      try source.read(at: index, from: bytes.count, into: &span)
      bytes += part
    }
    return bytes
  }
}

/// The error that opening and reading everything of a file throws.
func refusal(of path: String, format: CheckpointFormat? = nil) -> CairnError? {
  do throws(CairnError) {
    let file = try CheckpointFile.open(path, format: format)
    _ = try NamedTensors(reading: file.source)
    try file.verify(.deep)
    return nil
  } catch {
    return error
  }
}
