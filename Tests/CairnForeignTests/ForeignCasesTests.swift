// Files of ordinary programs that were refused or read in part: each is one example of its kind.

import CairnCheckpoints
import CairnContainer
import CairnEditing
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct ForeignCasesTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private static let layers = (0..<4).map { "layer.\($0).w" }

  /// What opens, by which format, to which tensors, with which remark.
  static let readable: [(path: String, format: String, names: [String], remark: String?)] = [
    ("dotslash", "sharded", layers, nil),
    ("dotslash/model.safetensors.index.json", "sharded", layers, nil),
    ("diffusers", "sharded", layers, nil),
    ("extra_in_shard", "sharded", layers, "left out"),
    ("mlx_plain.safetensors", "safetensors", ["w"], nil),
    ("metadata_empty.safetensors", "safetensors", ["w"], nil),
    ("one_object.npz", "npz", ["w", "b"], nil),
    ("f4_no_endian.npy", "npy", ["arr_0"], nil),
    ("float32.npy", "npy", ["arr_0"], nil),
  ]

  @Test(arguments: readable)
  func `What the format's own library reads is read`(
    path: String, format: String, names: [String], remark: String?
  ) throws {
    let file = try CheckpointFile.open("\(fixtures)/foreign/\(path)")
    #expect(file.formatName == format)
    #expect(try file.source.entries().map(\.name.string) == names)
    #expect(file.remarks.count == (remark == nil ? 0 : 1))
    if let remark { #expect(file.remarks.first?.contains(remark) == true) }
    try file.verify(.deep)
  }

  @Test(arguments: ["ckpt-1", "ckpt-1.index", "ckpt-1.data-00000-of-00001", "checkpoint", ""])
  func `A bundle opens by its prefix, each of its files and its folder`(name: String) throws {
    for file in ["ckpt-1.index", "ckpt-1.data-00000-of-00001"] {
      try write(contents(of: "\(fixtures)/foreign/tf_prefix/\(file)"), to: folder.file(file))
    }
    for path in ["ckpt-1", "/home/somebody/else/ckpt-1"] {
      try write(
        Array("model_checkpoint_path: \"\(path)\"\nall_model_checkpoint_paths: \"x\"\n".utf8),
        to: folder.file("checkpoint"))
      let found = try CheckpointFile.open(name.isEmpty ? folder.path : folder.file(name))
      #expect(found.formatName == "tensorflow")
      #expect(found.source.count > 0)
      try found.verify(.deep)
    }
  }

  @Test func `A file checkpoint that leads elsewhere is no bundle`() throws {
    for path in ["../ckpt-1", "", "a\u{0}b"] {
      try write(
        Array("model_checkpoint_path: \"\(path)\"\n".utf8), to: folder.file("checkpoint"))
      #expect(refusal(of: folder.file("checkpoint"), format: .tensorflow)?.code == .invalidHeader)
    }
    try write(Array("model_checkpoint_path: \"absent\"\n".utf8), to: folder.file("checkpoint"))
    for path in [folder.path, folder.file("checkpoint")] {
      let error = refusal(of: path)
      #expect(error?.code == .missingFile)
      #expect(error?.expected == "\"absent.index\"")
    }
  }

  @Test func `A SavedModel's folder is its variables, and says that the graph is not kept`() throws
  {
    let home = folder.file("saved/variables")
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    for end in [".index", ".data-00000-of-00001"] {
      try write(
        contents(of: "\(fixtures)/foreign/tf_prefix/ckpt-1\(end)"), to: home + "/variables\(end)")
    }
    try write([8, 1], to: folder.file("saved/saved_model.pb"))
    for path in ["saved", "saved/saved_model.pb", "saved/variables"] {
      let file = try CheckpointFile.open(folder.file(path))
      #expect(file.formatName == "tensorflow")
      #expect(file.remarks.isEmpty == path.hasSuffix("variables"))
    }
  }

  @Test func `A checkpoint of TensorFlow's first format is called that`() throws {
    let error = refusal(of: "\(fixtures)/foreign/tf1_v1_model.ckpt")
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("V1") == true)
  }

  // MARK: - Folders

  @Test func `A folder of one file of safetensors is that file, variants after plain ones`() throws
  {
    let plain = try contents(of: "\(fixtures)/foreign/mlx_plain.safetensors")
    try write(plain, to: folder.file("model.fp16.safetensors"))
    var file = try CheckpointFile.open(folder.path)
    #expect(file.formatName == "safetensors" && file.source.count == 1 && file.remarks.isEmpty)
    try write(
      contents(of: "\(fixtures)/foreign/metadata_empty.safetensors"),
      to: folder.file("model.safetensors"))
    file = try CheckpointFile.open(folder.path)
    #expect(try file.source.entry(at: 0).shape == [4, 4])
    #expect(file.remarks.first?.contains("model.fp16.safetensors") == true)
  }

  @Test func `PyTorch's file of a whole model stands for its folder, beside others of a run`()
    throws
  {
    for name in ["pytorch_model.bin", "optimizer.pt", "training_args.bin"] {
      try write(
        contents(of: "\(fixtures)/torch/one_tensor_archive.pt"), to: folder.file(name))
    }
    let file = try CheckpointFile.open(folder.path)
    #expect(file.formatName == "pytorch" && file.source.count == 1)
  }

  @Test func `The only checkpoint in a folder is opened, and that is said`() throws {
    for end in [".index", ".data-00000-of-00001"] {
      try write(
        contents(of: "\(fixtures)/tensorflow/names\(end)"), to: folder.file("step-9\(end)"))
    }
    try write(Array("{}".utf8), to: folder.file("config.json"))
    // What the Finder leaves behind is no second checkpoint.
    try write(contents(of: "\(fixtures)/tensorflow/names.index"), to: folder.file("._step-9.index"))
    let file = try CheckpointFile.open(folder.path)
    #expect(file.formatName == "tensorflow")
    #expect(
      file.remarks.first
        == "of the folder, \"step-9.index\" was opened, the only checkpoint in it; 3 other files were "
        + "not read")
  }

  @Test func `Of several checkpoints in a folder none is taken, and they are named`() throws {
    for name in ["b.gguf", "a.gguf"] {
      try write(contents(of: "\(fixtures)/gguf_more/odd.gguf"), to: folder.file(name))
    }
    let error = refusal(of: folder.path)
    #expect(error?.code == .notARegularFile)
    #expect(error?.found == "\"a.gguf\", \"b.gguf\"")
    // A format that is asked for by name counts alone.
    try write(
      contents(of: "\(fixtures)/torch/one_tensor_archive.pt"), to: folder.file("c.pt"))
    #expect(try CheckpointFile.open(folder.path, format: .pytorch).source.count == 1)
  }

  @Test func `The parts of one GGUF model are no several checkpoints`() throws {
    for number in 1...3 {
      let name = "split-0000\(number)-of-00003.gguf"
      try write(contents(of: "\(fixtures)/gguf_more/\(name)"), to: folder.file(name))
    }
    #expect(try CheckpointFile.open(folder.path).formatName == "gguf")
  }

  @Test(arguments: [
    "model.fp16.safetensors.index.json", "model.safetensors.index.fp16.json",
    "diffusion_pytorch_model.safetensors.index.json",
  ])
  func `An index of any of the libraries' names is found in its folder`(name: String) throws {
    for file in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
      try write(contents(of: "\(fixtures)/foreign/dotslash/\(file)"), to: folder.file(file))
    }
    try write(
      contents(of: "\(fixtures)/foreign/dotslash/model.safetensors.index.json"),
      to: folder.file(name))
    let file = try CheckpointFile.open(folder.path)
    #expect(file.formatName == "sharded" && file.source.count == 4)
  }

  @Test func `Shards whose names differ in their normal form alone are two`() throws {
    let files = ["mlx_plain", "metadata_empty"]
    let names = ["\u{E9}.safetensors", "e\u{301}.safetensors"]
    for (file, name) in zip(files, names) {
      try write(contents(of: "\(fixtures)/foreign/\(file).safetensors"), to: folder.file(name))
    }
    let path = folder.file("model.safetensors.index.json")
    // Both files have a tensor of that name: the index decides which is meant.
    for (name, shape) in zip(names, [[2], [4, 4]] as [Shape]) {
      try write(Array(#"{"weight_map":{"w":"\#(name)"}}"#.utf8), to: path)
      #expect(try CheckpointFile.open(path).source.entry(at: 0).shape == shape)
    }
  }

  @Test func `A combining mark behind a slash hides no way out of the folder`() throws {
    let path = folder.file("model.safetensors.index.json")
    try write(Array("{\"weight_map\":{\"w\":\"..\u{2F}\u{301}x\"}}".utf8), to: path)
    #expect(refusal(of: path)?.code == .invalidPath)
  }

  // MARK: - What safetensors says of no metadata

  @Test(arguments: ["null", "{}"])
  func `Metadata that are said to be none come back so, through a container and shards too`(
    spelling: String
  ) throws {
    let name = spelling == "null" ? "mlx_plain" : "metadata_empty"
    let source = try CheckpointFile.open("\(fixtures)/foreign/\(name).safetensors").source
    let wanted = Array("{\"__metadata__\":\(spelling),".utf8)
    func check(_ bytes: [UInt8]) { #expect(bytes.dropFirst(8).starts(with: wanted)) }
    check(try source.encoded(as: .safetensors).array)
    check(try Container(Container.encode(source)).encoded(as: .safetensors).array)
    let index = folder.file("model.safetensors.index.json")
    var sink = try CheckpointFormat.sharded.writer(to: index)
    try sink.write(source)
    check(try contents(of: folder.file("model-00001-of-00001.safetensors")))
    check(try CheckpointFile.open(index).source.encoded(as: .safetensors).array)
    // Formats without metadata lose nothing.
    var other = try CheckpointFormat.npz.writer(to: folder.file("a.npz"))
    try other.write(source)
    if spelling == "{}" {
      #expect(
        try source.encoded(as: .safetensors).array
          == contents(of: "\(fixtures)/foreign/\(name).safetensors"))
    }
  }

  // MARK: - Selection is judged first

  @Test func `What is not read needs to be left out, or accepted to be lost`() throws {
    let source = try CheckpointFile.open("\(fixtures)/foreign/one_object.npz").source
    #expect(source.opaqueItems.map(\.pathText) == ["cfg"])
    for format in [CheckpointFormat.cairn, .safetensors, .npz, .gguf] {
      let path = folder.file("a.\(format.extensions[0])")
      var refusing = try format.writer(to: path)
      let error = #expect(throws: CairnError.self) { try refusing.write(source) }
      #expect(error?.code == .cannotHold && error?.message.contains("cfg") == true)
      var accepting = try format.writer(to: path, accepting: .opaque)
      try accepting.write(source)
      var edited = try EditedTensors(source)
      try edited.select(excluding: [NamePattern("c*")])
      var plain = try format.writer(to: path)
      try plain.write(edited)
      #expect(try CheckpointFile.open(path).source.count == 2)
    }
  }

  @Test func `Blocks that cannot be floats are no matter once they are left out`() throws {
    let block = try #require(QuantizedBlock(typeID: 15, elementCount: 256, byteCount: 292))
    var tensors = NamedTensors()
    try tensors.add(
      Tensor(dtype: .quantized(block), shape: [256], bytes: [UInt8](repeating: 1, count: 292)),
      named: "odd")
    try tensors.add(Tensor(dtype: .float16, shape: [1], bytes: [0, 0x3C]), named: "plain")
    var edited = try EditedTensors(tensors)
    try edited.select(including: [NamePattern("plain")])
    #expect(try DequantizedSource(edited).tensor(at: 0).bytes == [0, 0, 0x80, 0x3F])
  }
}
