// The roads of the library that touch files or much memory, each as one step that a test can let
// fail anywhere.

import Cairn
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// One road, and what it leads to.
struct Road: Sendable, CustomTestStringConvertible {
  let name: String
  /// The name of the file that it makes or replaces, if it does.
  let output: String?
  /// The most bytes that one read or write moves, so that what is large takes several.
  let mostAtOnce: Int
  /// Goes the road, and gives what it has found: the same bytes whenever all goes well.
  let go: @Sendable (RoadSite, any FileSystem) throws -> [UInt8]

  var testDescription: String { name }

  init(
    _ name: String, writing output: String? = nil, atOnce mostAtOnce: Int = 1_500,
    _ go: @escaping @Sendable (RoadSite, any FileSystem) throws -> [UInt8]
  ) {
    self.name = name
    self.output = output
    self.mostAtOnce = mostAtOnce
    self.go = go
  }
}

/// A folder with all that roads begin at.
struct RoadSite {
  let folder: TestFolder

  /// What stands in `old.cairn` and `old.safetensors` beforehand: no checkpoint, so that nobody can
  /// take it for a new one.
  static let old = [UInt8]("the old file, which is to stay or to go, but not to change".utf8)

  private struct Files: Sendable {
    var large: [UInt8]
    var coded: [UInt8]
    var raw: [UInt8]
    var weights: [UInt8]
  }

  private static let files = Result {
    var options = WriteOptions()
    options.log2ChunkSize = 16
    let model = try RoadSite.model(1)
    var metadata = Metadata()
    metadata["epoch"] = .int(3)
    let source = try ModelTensors(model, metadata: metadata)
    let large = try ModelTensors(RoadSite.model(1, width: 130))
    return Files(
      large: try allBytes(Container.encode(large, options: options)),
      coded: try allBytes(Container.encode(source, options: options)),
      raw: try allBytes(Container.encode(source, options: .inMemory)),
      weights: try ModelTensors(model, scope: .weights).encoded(
        as: .safetensors, accepting: .configuration
      ).array)
  }

  init() throws {
    folder = try TestFolder()
    let files = try Self.files.get()
    for (name, bytes) in [
      ("large.cairn", files.large), ("coded.cairn", files.coded), ("raw.cairn", files.raw),
      ("w.safetensors", files.weights), ("old.cairn", Self.old), ("old.safetensors", Self.old),
    ] {
      let file = try AtomicFile(path: folder.file(name), durability: .none)
      try file.append(bytes.span)
      try file.commit()
    }
    try folder.link("link.cairn", to: "old.cairn")
  }

  func path(_ name: String) -> String { folder.file(name) }

  /// The bytes of a file, nil if it is not there.
  func bytes(_ name: String) throws -> [UInt8]? {
    guard try folder.names().contains(name) else { return nil }
    return try allBytes(FileBytes(path: path(name)))
  }

  /// A model with state that is no weight; its values depend on `seed`. With a width of 130 its
  /// matrix takes more than one chunk.
  static func model(_ seed: UInt64, width: Int = 20) throws -> Sequential {
    try Sequential(
      [
        InputLayer(shape: [width]), Dense(width, activation: .tanh, name: "first"),
        Dropout(0.3, seed: 7, name: "drop"), Dense(3, name: "second"),
      ], name: "road", seed: seed)
  }
}

/// All bytes of a source.
func allBytes(_ source: any ByteSource) throws -> [UInt8] {
  try source.withBytes(in: 0..<source.count) { $0.array }
}

/// Everything that a source has, as bytes: equal for two sources that are equal in every bit.
func fingerprint(_ source: any TensorSource) throws -> [UInt8] {
  try allBytes(Container.encode(source, options: .inMemory))
}
