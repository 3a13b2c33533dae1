// Sharded checkpoints, and ties that safetensors notes in its metadata.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct ShardedTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  @Test func `A folder is opened by the index in it`() throws {
    for name in ["safetensors", "bin"] {
      let file = try CheckpointFile.open("\(fixtures)/sharded/\(name)")
      #expect(file.formatName == "sharded")
      #expect(file.source.count == 5)
      #expect(file.source.metadata["made"] == .string("here"))
      // What the tensors take is no news.
      #expect(file.source.metadata["total_size"] == nil)
    }
    #expect(code { _ = try CheckpointFile.open(folder.path) } == .notARegularFile)
  }

  @Test func `A tied model comes back byte for byte`() throws {
    let path = "\(fixtures)/sharded/tied.safetensors"
    let source = try CheckpointFile.open(path).source
    #expect(try source.entry(at: 1).aliasOf?.string == "embed.weight")
    #expect(try source.encoded(as: .safetensors).array == contents(of: path))
    let container = try Container(Container.encode(source))
    #expect(try container.encoded(as: .safetensors).array == contents(of: path))
  }

  /// The shards of the fixture, with another index.
  private func index(_ text: String) throws -> CairnError? {
    for number in 1...3 {
      let name = "model-0000\(number)-of-00003.safetensors"
      try write(contents(of: "\(fixtures)/sharded/safetensors/\(name)"), to: folder.file(name))
    }
    let path = folder.file("model.safetensors.index.json")
    try write(Array(text.utf8), to: path)
    return refusal(of: path)
  }

  private static let first = "model-00001-of-00003.safetensors"

  @Test func `The index decides, and a contradiction is an error`() throws {
    let both = #""layer.0.weight":"\#(Self.first)","layer.1.weight":"\#(Self.first)""#
    #expect(try index(#"{"weight_map":{\#(both)}}"#) == nil)
    for (map, expected, name) in [
      (both + #","more":"\#(Self.first)""#, "shardMismatch", "more"),
      (both + #","layer.2.weight":"\#(Self.first)""#, "shardMismatch", "layer.2.weight"),
      (both + #","layer.2.weight":"model-00009-of-00003.safetensors""#, "missingFile", nil),
      (both + #","layer.2.weight":"../\#(Self.first)""#, "invalidPath", nil),
      (both + #","layer.2.weight":"/etc/passwd""#, "invalidPath", nil),
      (both + #","layer.2.weight":"a/../../x""#, "invalidPath", nil),
      (both + #","layer.2.weight":"""#, "invalidPath", nil),
      (both + #","layer.2.weight":"a\u0000b""#, "invalidPath", nil),
      (both + #","layer.2.weight":"\#(String(repeating: "x", count: 300))""#, "invalidPath", nil),
      (both + #","layer.2.weight":7"#, "invalidHeader", "layer.2.weight"),
      (both + #","layer.0.weight":"x""#, "duplicateName", nil),
      (both + #","layer.2.weight":"model.safetensors.index.json""#, "shardMismatch", nil),
    ] as [(String, String, String?)] {
      let error = try index(#"{"weight_map":{\#(map)}}"#)
      #expect(error?.code.name == expected, "\(map)")
      if let name { #expect(error?.location.name == name, "\(map)") }
      #expect(error?.location.file != nil)
    }
    #expect(try index(#"{"weight_map":[]}"#)?.code.name == "invalidHeader")
    #expect(try index(#"{"weight_map":{"#)?.code.name == "invalidHeader")
    #expect(try index(#"{"metadata":{"total_size":7},"weight_map":{\#(both)}}"#) == nil)
    let path = folder.file("model.safetensors.index.json")
    #expect(try CheckpointFile.open(path).source.metadata["total_size"] == .int(7))
  }
}
