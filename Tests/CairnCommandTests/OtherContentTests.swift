// What people take for a checkpoint and is none: named for what it is, wherever it stands.

import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct OtherContentTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private static let pointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f3"
    + "2b1258daaa5e2ca24d17e2393\nsize 4976698672\n"

  /// A file's name, its first bytes, the code, the exit status of `verify`, and a word of the message.
  private static let rows: [(String, String, String, Int32, String)] = [
    (
      "a.safetensors", pointer, "notACheckpoint", 2,
      "a Git LFS pointer to a file of 4976698672 bytes"
    ),
    ("a.pt", pointer, "notACheckpoint", 2, "git lfs pull"),
    ("a.gguf", pointer, "notACheckpoint", 2, "Git LFS"),
    ("a.cairn", pointer, "notACheckpoint", 2, "Git LFS"),
    ("a.index", pointer, "notACheckpoint", 2, "Git LFS"),
    ("a", pointer, "notACheckpoint", 2, "Git LFS"),
    ("a.npz", "\n  <!DOCTYPE html><html>", "notACheckpoint", 2, "a web page"),
    ("a.keras", "\u{FEFF}<HTML>", "notACheckpoint", 2, "a web page"),
    ("a.h5", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "notACheckpoint", 2, "XML"),
    ("a.bin", "{\"error\":\"Repository not found\"}", "notACheckpoint", 2, "error message"),
    ("a.onnx", "Access to model x is restricted.", "notACheckpoint", 2, "Access to model x"),
    ("a.safetensors", "", "truncated", 1, "empty"),
    ("a", "", "unknownFormat", 2, "empty"),
    ("a.npy", String(repeating: "\0", count: 4_000), "invalidHeader", 1, "4000 zeros"),
    ("a", String(repeating: "\0", count: 4_000), "notACheckpoint", 2, "4000 zeros"),
    ("a.safetensors.gz", "\u{1F}\u{8B}\u{8}\0", "notACheckpoint", 2, "gzip"),
    ("a.tflite", "\u{1C}\0\0\0TFL3\0\0", "unsupported", 2, "TensorFlow Lite"),
    ("a.msgpack", "\u{82}\u{A6}params\u{81}", "unsupported", 2, "Flax"),
    ("a.mlmodel", "\u{8}\u{4}\u{12}\u{3}", "unsupported", 2, "Core ML"),
    ("a.bin", "lmgg\u{1}\0\0\0", "unsupported", 2, "before GGUF"),
    (
      "config.json", "{\"class_name\":\"Sequential\",\"config\":{}}", "notACheckpoint", 2,
      "--config"
    ),
    ("config.json", "{\"model_type\":\"llama\"}", "notACheckpoint", 2, "settings"),
  ]

  @Test(arguments: rows)
  func `A content is named, with what to do`(
    name: String, text: String, code: String, status: Int32, word: String
  ) async throws {
    // Bytes are written as scalars here; those of the mark of byte order are three.
    let bytes = text.unicodeScalars.flatMap {
      $0.value < 0x100 ? [UInt8($0.value)] : Array(String($0).utf8)
    }
    try folder.write(bytes, to: name)
    let info = try await cairn("info", name, in: folder)
    info.expectFailure(code)
    #expect(info.errors.contains(word), "\(info.errors)")
    #expect(!info.errors.contains("--from"))
    let verify = try await cairn("verify", name, in: folder)
    #expect(verify.status == status, "\(verify.errors)")
    #expect(verify.errors.contains(word), "\(verify.errors)")
  }

  @Test func `A pointer is named whatever the format is said to be, and where a shard should be`()
    async throws
  {
    try folder.write(Array(Self.pointer.utf8), to: "a.bin")
    for format in ["safetensors", "pytorch", "gguf", "onnx", "hdf5", "npz"] {
      let run = try await cairn("info", "--from", format, "a.bin", in: folder)
      run.expectFailure("notACheckpoint")
    }
    try folder.write(Array(Self.pointer.utf8), to: "model-00001-of-00001.safetensors")
    try folder.write(
      Array("{\"weight_map\":{\"w\":\"model-00001-of-00001.safetensors\"}}".utf8),
      to: "model.safetensors.index.json")
    let shards = try await cairn("info", "model.safetensors.index.json", in: folder)
    shards.expectFailure("notACheckpoint")
    #expect(shards.errors.contains("model-00001-of-00001.safetensors: a Git LFS pointer"))
  }

  @Test func `A folder of Orbax is named`() async throws {
    try folder.makeFolder("ckpt")
    try folder.write([], to: "ckpt/_CHECKPOINT_METADATA")
    let run = try await cairn("info", "ckpt", in: folder)
    run.expectFailure("unsupported")
    #expect(run.errors.contains("Orbax"))
  }
}
