// The files of Fixtures/hostile: what fuzzing found, and what was made to be as bad as it can be.

import Cairn
import CairnTestSupport
import Foundation
import Testing

private let folder = fixtures + "/hostile"

@Suite struct HostileFilesTests {
  /// What each file is refused with, by whatever reads all of it.
  static let refusals: [(file: String, code: CairnError.Code)] = [
    ("model-of-a-gigabyte.cairn", .overBudget)
  ]

  @Test func `Every file in the folder is in the table`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(
      Set(files.filter { !$0.hasSuffix(".md") }) == Set(Self.refusals.map(\.file)))
  }

  /// Does everything with a file that a reader can.
  private func readAll(_ path: String, _ access: FileAccess) throws {
    var options = ReadOptions()
    options.access = access
    let file = try CheckpointFile.open(path, options: options)
    _ = try file.storages()
    for index in 0..<file.source.count {
      _ = try file.source.entry(at: index)
      _ = try file.source.tensor(at: index)
    }
    _ = try NamedTensors(reading: file.source)
    try file.verify(.deep)
    if file.source.configuration != nil { _ = try Model.load(from: path, options: options) }
  }

  @Test(arguments: refusals, [FileAccess.positioned, .mapped])
  func `A hostile file is refused`(
    _ refusal: (file: String, code: CairnError.Code), access: FileAccess
  ) throws {
    let error = #expect(throws: CairnError.self) {
      try readAll("\(folder)/\(refusal.file)", access)
    }
    #expect(error?.code == refusal.code, "\(error.map { "\($0)" } ?? "accepted")")
    #expect(error?.location.file != nil)
  }

  /// 2^20 parameters are made for any file, so that the tensors that are missing can be named.
  @Test func `A model whose tensors are not in the file is refused with their names`() throws {
    let model = try Sequential([InputLayer(shape: [4]), Dense(8, name: "head")], name: "m")
    var tensors = try NamedTensors([("other", Tensor(scalar: Float(1)))])
    tensors.configuration = try model.canonicalConfiguration().text
    let container = try Container(Container.encode(tensors))
    let error = #expect(throws: CairnError.self) { try Model.load(from: container) }
    #expect(error?.code == .weightMismatch)
    #expect(error.map { "\($0)" }?.contains("kernel") == true)
  }
}
