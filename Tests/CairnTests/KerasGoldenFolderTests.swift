// Files that Keras wrote, each beside what it is given and what Keras computes: in the folders of
// Fixtures/keras that have `NAME.keras`, `NAME.in0.npy`, … and `NAME.out0.npy`.

import Cairn
import CairnTestSupport
import Foundation
import Testing

@Suite("Keras files with their inputs and outputs")
struct KerasGoldenFolderTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  /// Folders, and how many models are in each.
  static let folders = ["further": 10, "quantized": 12, "vocabularies": 20]
  static let models: [String] = folders.keys.sorted().flatMap { name in
    let home = "\(fixtures)/keras/\(name)"
    return ((try? FileManager.default.contentsOfDirectory(atPath: home)) ?? []).sorted()
      .filter { $0.hasSuffix(".keras") }.map { "\(name)/\($0.dropLast(6))" }
  }

  private static func arrays(_ name: String, _ kind: String) throws -> [Tensor] {
    var arrays: [Tensor] = []
    while true {
      let path = "\(fixtures)/keras/\(name).\(kind)\(arrays.count).npy"
      guard FileManager.default.fileExists(atPath: path) else { return arrays }
      arrays.append(try CheckpointFile.open(path).source.tensor(at: 0))
    }
  }

  private static func check(_ model: Model, _ name: String) throws {
    let found = try model.predict(arrays(name, "in"))
    let expected = try arrays(name, "out")
    #expect(found.count == expected.count && !found.isEmpty)
    for (one, other) in zip(found, expected) {
      #expect(one.shape == other.shape && one.dtype == other.dtype)
      guard other.dtype == .float32 else {
        #expect(one == other)
        continue
      }
      let (left, right): ([Float], [Float]) = (try one.scalars(), try other.scalars())
      let scale = max(1, right.filter { !$0.isNaN }.map { abs($0) }.max() ?? 0)
      for (a, b) in zip(left, right) {
        #expect(a.isNaN ? b.isNaN : abs(a - b) <= 1e-5 * scale, "\(a), \(b)")
      }
    }
  }

  @Test func `Every model is there`() {
    #expect(Self.models.count == Self.folders.values.reduce(0, +))
  }

  @Test(
    "A model computes what Keras computes, from every file that it goes through", arguments: models)
  func predictions(_ name: String) throws {
    let path = "\(fixtures)/keras/\(name).keras"
    let model = try Model.load(from: path)
    try Self.check(model, name)
    // Converted, with Keras's names and assets.
    let converted = folder.file("converted.cairn")
    let source = try CheckpointFile.open(path).source
    var sink = try CheckpointFormat.cairn.writer(to: converted)
    try sink.write(source)
    try Self.check(Model.load(from: converted), name)
    // Saved by itself, and as Keras does.
    let clone = try model.cloned(copyingWeights: true)
    try Self.check(clone, name)
    // What recurrent layers keep is at its beginning again.
    let fresh = try model.cloned(copyingWeights: true)
    try fresh.save(to: folder.file("clone.cairn"))
    try Self.check(Model.load(from: folder.file("clone.cairn")), name)
    try fresh.save(to: folder.file("clone.keras"))
    try Self.check(Model.load(from: folder.file("clone.keras")), name)
    try Self.check(fresh.deepCopy(), name)
  }
}
