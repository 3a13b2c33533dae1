// Keras's weights in several files: an index that Keras wrote, and indexes that lie.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct KerasShardsTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  @Test func `What Keras wrote in several files is read as it is in one`() throws {
    let shards = try CheckpointFile.open("\(fixtures)/hdf5/sharded.weights.json")
    let whole = try CheckpointFile.open("\(fixtures)/hdf5/whole.weights.h5").source
    #expect(shards.formatName == "keras-shards")
    try shards.verify(.deep)
    let source = shards.source
    #expect(source.count == whole.count && source.count == 6)
    for index in 0..<whole.count {
      let name = try whole.entry(at: index).name
      #expect(try source.tensor(named: name) == whole.tensor(at: index))
    }
    #expect(source.metadata == whole.metadata)
  }

  /// The fixture's files with another index.
  private func forged(_ index: String) throws -> CairnError? {
    for name in ["sharded_00000.weights.h5", "sharded_00001.weights.h5"] {
      try write(contents(of: "\(fixtures)/hdf5/\(name)"), to: folder.file(name))
    }
    let path = folder.file("x.weights.json")
    try write(Array(index.utf8), to: path)
    return refusal(of: path)
  }

  @Test(arguments: [
    (#"{"weight_map": {"/layers/dense/vars": "../../etc/passwd"}}"#, "invalidPath"),
    (#"{"weight_map": {"/layers/dense/vars": "/etc/passwd"}}"#, "invalidPath"),
    (#"{"weight_map": {"/layers/dense/vars": "none.weights.h5"}}"#, "missingFile"),
    (#"{"weight_map": {"/layers/dense/vars": 3}}"#, "invalidHeader"),
    (#"{"weight_map": {"/layers/dense/vars": []}}"#, "invalidHeader"),
    (#"{"weight_map": {"/layers/dense/vars": "sharded_00001.weights.h5"}}"#, "shardMismatch"),
    (
      #"{"weight_map": {"/layers/dense/vars": "sharded_00000.weights.h5", "/layers/x/vars": "sharded_00000.weights.h5"}}"#,
      "shardMismatch"
    ),
    (#"{"weight_map": {}, "weight_map": {}}"#, "invalidHeader"),
    (#"{"metadata": {}}"#, "invalidHeader"),
  ])
  func `An index that lies is refused`(index: String, code: String) throws {
    #expect(try forged(index)?.code.name == code)
  }
}
