// Checkpoints as programs around PyTorch write them, and hostile ones: what is in them, and what is said.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct PyTorchCaseTests {
  /// A file, and what PyTorch reads in it.
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String
    /// Some of its tensors, `name dtype shape`.
    var tensors: [String]
    /// How many it has.
    var count: Int
    /// Some of its metadata.
    var metadata: [(TensorName, MetadataValue)] = []
    /// What is opaque, `path type`.
    var opaque: [String] = []
    /// What a remark says.
    var remark: String?

    var testDescription: String { file }
  }

  static let cases = [
    Case(
      file: "big_seed.pt", tensors: ["w float32 (1,)"], count: 1,
      metadata: [
        ("seed", .uint(18_446_744_073_709_551_557)),
        ("rng.state.inc", .string("87136372517582989555478159403783844777")),
        ("rng.state.state", .string("35399562948360463058890781895381311971")),
      ]),
    Case(
      file: "bytes_in_dict.pt", tensors: ["w float32 (1,)"], count: 1,
      metadata: [("rng", .bytes([0x80, 0]))]),
    Case(file: "conj.pt", tensors: ["t complex64 (2,)"], count: 2),
    Case(
      file: "deepspeed_model_states.pt",
      tensors: ["module.a float32 (4, 3)", "module.b float32 (4,)"], count: 2,
      metadata: [("sparse_tensor_module_names", .strings([])), ("ds_version", .string("0.16"))]),
    Case(
      file: "dotted.pt", tensors: ["a.b float32 (1,)", "a.b~2 float32 (2,)"], count: 2,
      remark: "‘a.b~2’"),
    Case(
      file: "multisteplr.pt", tensors: ["model.weight float32 (2, 3)"], count: 2,
      metadata: [("scheduler.milestones.30", .int(1)), ("scheduler.milestones.60", .int(1))]),
    Case(
      file: "no_crc32.pt", tensors: ["weight float32 (4, 3)"], count: 2, remark: "no checksum"),
    Case(
      file: "param_buffer.pt", tensors: ["p float32 (3,)", "b float32 (2,)"], count: 2,
      metadata: [("b.persistent", .bool(true))]),
    Case(
      file: "proto0_old.pt", tensors: ["state_dict.layer.weight float32 (4, 3)"], count: 9,
      metadata: [("epoch", .int(3))]),
    Case(
      file: "proto3_old.pt", tensors: ["state_dict.layer.weight float32 (4, 3)"], count: 9,
      metadata: [("epoch", .int(3))]),
    Case(
      file: "quantized.pt", tensors: ["t.int_repr int8 (3, 4)", "w float32 (2,)"], count: 2,
      metadata: [("t.scale", .float(0.1)), ("t.zero_point", .int(0))], remark: "quantised"),
    Case(
      file: "sparse_coo.pt", tensors: ["t.indices int64 (2, 4)", "t.values float32 (4,)"], count: 3,
      metadata: [("t.size", .ints([4, 4]))], remark: "sparse"),
    Case(file: "tail.pt", tensors: ["a.weight float32 (16, 16)"], count: 2, remark: "100 bytes"),
    Case(
      file: "counter.ckpt", tensors: [], count: 9,
      metadata: [("cnt.a", .int(2)), ("cnt.b", .int(1))]),
    Case(
      file: "lightning_namespace.ckpt", tensors: ["state_dict.layer.bias float32 (4,)"], count: 9,
      metadata: [
        ("hyper_parameters", .string("<argparse.Namespace>")),
        ("hyper_parameters.lr", .float(0.001)),
      ], opaque: ["hyper_parameters argparse.Namespace"]),
    Case(file: "numpy_scalar.ckpt", tensors: [], count: 9, metadata: [("best", .float(0.25))]),
    Case(file: "sd_kind.ckpt", tensors: ["state_dict.a float32 (4, 3)"], count: 3),
    Case(
      file: "tar_2016.pt", tensors: ["w float32 (2, 3)", "v float32 (3,)"], count: 2,
      metadata: [("k", .int(3))]),
    Case(file: "set.ckpt", tensors: [], count: 9),
    Case(file: "attributes_of_itself.pt", tensors: [], count: 0),
    Case(file: "attributes_of_itself_stream.pt", tensors: [], count: 0),
    Case(file: "nfc_storages.pt", tensors: ["a float32 (4,)", "b float32 (4,)"], count: 2),
    Case(
      file: "same_path.pt", tensors: [], count: 0,
      metadata: [("a.b", .int(1)), ("a.b~2", .int(2))], remark: "‘a.b~2’"),
    Case(
      file: "nfc_names.pt",
      tensors: ["layers/\u{E9}/vars/0 float32 (1,)", "layers/e\u{301}/vars/0 float32 (1,)"],
      count: 4),
    Case(file: "slash.pt", tensors: ["x/\u{338}y float32 (1,)"], count: 1),
    Case(file: "expanded.pt", tensors: ["a float32 (1099511627776,)"], count: 1),
  ]

  @Test(arguments: cases)
  func `What PyTorch reads is read, and nothing hides it`(expected: Case) throws {
    let file = try CheckpointFile.open("\(fixtures)/torch_cases/\(expected.file)")
    let found = try file.source.entries().map { Array("\($0.name) \($0.dtype) \($0.shape)".utf8) }
    #expect(found.count == expected.count)
    for tensor in expected.tensors { #expect(found.contains(Array(tensor.utf8)), "\(tensor)") }
    for (key, value) in expected.metadata { #expect(file.source.metadata[key] == value, "\(key)") }
    #expect(file.opaqueItems.map { "\($0.pathText) \($0.type)" } == expected.opaque)
    if let remark = expected.remark {
      #expect(file.remarks.contains { $0.contains(remark) }, "\(file.remarks)")
    }
    try file.verify(.deep)
  }

  @Test func `Storages whose keys differ only in their normal form are two`() throws {
    let source = try CheckpointFile.open("\(fixtures)/torch_cases/nfc_storages.pt").source
    let archive = try contents(of: "\(fixtures)/torch_cases/nfc_storages.pt")
    for (name, key) in [("a", "m/data/\u{E9}"), ("b", "m/data/e\u{301}")] as [(TensorName, String)]
    {
      // The member's data follows its name in the first local header.
      let key = Array(key.utf8)
      let place = try #require(archive.indices.first { archive[$0...].starts(with: key) })
      let extra = Int(archive[place - 2]) | Int(archive[place - 1]) << 8
      let start = place + key.count + extra
      #expect(try source.tensor(named: name).bytes == Array(archive[start..<start + 16]))
    }
  }

  @Test func `What is said of files that are none of PyTorch's`() throws {
    let folder = try TestFolder()
    let path = folder.file("x.pt")
    for (bytes, code, says) in [
      (Array("version https://git-lfs".utf8), "invalidHeader", "neither an archive nor a stream"),
      (
        [0x80, 4, 0x95] + [UInt8](repeating: 0, count: 8) + [0x7D, 0x2E], "unsupported",
        "torch.save"
      ),
    ] as [([UInt8], String, String)] {
      try write(bytes, to: path)
      let error = try #require(refusal(of: path, format: .pytorch))
      #expect(error.code.name == code && error.description.contains(says), "\(error)")
      #expect(!error.description.contains("fetch it again"))
    }
  }
}
