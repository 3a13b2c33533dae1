// What a file of Keras's cannot hold is lost only by name.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct KerasLostMetadataTests {
  private func source() throws -> NamedTensors {
    var tensors = NamedTensors()
    try tensors.add(Tensor([1] as [Float]), named: "vars/0")
    tensors.metadata["kept"] = .string("here")
    tensors.metadata["empty"] = .bytes([])
    tensors.metadata["long"] = .ints([Int64](repeating: 7, count: 10_000))
    tensors.metadata["zero"] = .string("a\u{0}b")
    return tensors
  }

  @Test func `Each key that no attribute can hold is named`() throws {
    let losses = try CheckpointFormat.hdf5.losses(of: source())
    #expect(losses.map { $0.name?.string } == ["empty", "long", "zero"])
    #expect(losses.allSatisfy { $0.kind == .metadata })
    #expect(losses.last?.what == "a text with a NUL in it")
  }

  @Test func `Nothing is lost unless that is accepted`() throws {
    let folder = try TestFolder()
    let path = folder.file("a.weights.h5")
    var strict = try CheckpointFormat.hdf5.writer(to: path)
    #expect(code { try strict.write(source()) } == .cannotHold)
    var lossy = try CheckpointFormat.hdf5.writer(to: path, accepting: .all)
    try lossy.write(source())
    let metadata = try CheckpointFile.open(path).source.metadata
    #expect(metadata["kept"] == .string("here") && metadata["long"] == nil)
  }
}
