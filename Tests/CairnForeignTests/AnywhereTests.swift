// Checkpoints whose bytes lie elsewhere than in a file: in memory, or behind a source of one's own.

import CairnCheckpoints
import CairnComparison
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// Bytes that give no more than is asked for, and have neither path nor memory.
private struct Distant: ByteSource {
  let bytes: [UInt8]
  var count: Int { bytes.count }
  var path: String? { nil }
  var memory: ByteRegion? { nil }

  func read(at offset: Int, into target: inout MutableSpan<UInt8>) throws(CairnError) {
    guard offset >= 0, offset <= count, target.count <= count - offset else {
      throw CairnError(.changedWhileReading, "too short")
    }
    for index in target.indices { target[index] = bytes[offset + index] }
  }
}

@Suite struct AnywhereTests {
  private static let files = [
    "numpy/fortran.npy", "numpy/stored.npz", "hdf5/types.h5", "hdf5/mixed.keras",
    "hdf5/whole.weights.h5", "gguf/version_3.gguf", "conformance/ok-aligned-4096.cairn",
  ]

  private static let all: [String] = {
    let torch = FormatFixture.all("torch").map { "torch/\($0.file)" }
    return files + torch + ["onnx/raw.onnx", "onnx/typed.onnx", "onnx/nested.onnx"]
  }()

  @Test(arguments: all)
  func `A checkpoint is the same wherever its bytes lie`(file: String) throws {
    let path = fixtures + "/" + file
    let file = try FileBytes(path: path)
    let bytes = try file.withBytes(in: 0..<file.count) { $0.array }
    let byPath: CheckpointFile
    do throws(CairnError) { byPath = try CheckpointFile.open(path) } catch {
      // Then elsewhere too, and for the same reason.
      let other = #expect(throws: CairnError.self) {
        try CheckpointFile.open(Distant(bytes: bytes))
      }
      #expect(other?.code == error.code)
      return
    }
    guard !byPath.spansFiles else { return }
    for source in [try MemoryBytes(bytes), Distant(bytes: bytes)] as [any ByteSource] {
      let opened = try CheckpointFile.open(source, named: path)
      #expect(opened.formatName == byPath.formatName)
      #expect(try compare(byPath.source, opened.source).isSame)
      try opened.verify(.deep)
    }
  }

  @Test func `What lies beside a file is not there, and said to be missing`() throws {
    let path = fixtures + "/sharded/safetensors/model.safetensors.index.json"
    let index = try FileBytes(path: path)
    let bytes = try index.withBytes(in: 0..<index.count) { $0.array }
    let error = #expect(throws: CairnError.self) {
      try CheckpointFile.open(Distant(bytes: bytes), named: "model.safetensors.index.json")
    }
    #expect(error?.code == .missingFile)
  }

  @Test func `A page or nothing at all is told from anywhere`() throws {
    let page = #expect(throws: CairnError.self) {
      try CheckpointFile.open(Distant(bytes: Array("<!DOCTYPE html><html>".utf8)))
    }
    #expect(page?.code == .notACheckpoint)
    let nothing = #expect(throws: CairnError.self) { try CheckpointFile.open(Distant(bytes: [])) }
    #expect(nothing?.code == .unknownFormat)
  }
}
