// What is refused to be written because it is far more than the input holds.

import CairnCheckpoints
import CairnContainer
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@testable import CairnForeign

@Suite struct PlausibleSinkTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private func write(
    _ source: any TensorSource, to name: String, as format: CheckpointFormat, expands: Bool = false
  ) throws {
    var options = WriteOptions()
    options.durability = .none
    options.codec = .raw
    options.expands = expands
    var sink = try format.writer(to: folder.file(name), options: options, accepting: .all)
    try sink.write(source)
  }

  /// One tensor of some bytes that do not compress, under some names.
  private func tied(bytes: Int, names: Int) throws -> Container {
    var random = SeededNumbers(4)
    let elements = (0..<bytes).map { _ in UInt8.random(in: 0...255, using: &random) }
    var tensors = try NamedTensors([("a", Tensor(elements))])
    for number in 0..<names { try tensors.addAlias(TensorName("b\(number)"), of: "a") }
    return try Container(Container.encode(tensors))
  }

  @Test(arguments: [CheckpointFormat.npz, .safetensors, .sharded, .gguf, .tensorflow])
  func `A tensor of many names is not written out for each of them without end`(
    format: CheckpointFormat
  ) throws {
    // The rule: 64 MiB, and 64 times the input. 200 times 1 MiB is more, and 120 times is not.
    let hostile = try tied(bytes: 1 << 20, names: 200)
    let name = "x.\(format.extensions.first ?? "")"
    let error = #expect(throws: CairnError.self) {
      try write(hostile, to: name, as: format)
    }
    #expect(error?.code == .overBudget)
    #expect(try folder.names().isEmpty)
    // What holds ties holds them all.
    try write(hostile, to: "x.cairn", as: .cairn)
    try CheckpointFormat.npz.checkPlausible(tied(bytes: 1 << 20, names: 120))
  }

  @Test func `Zeros that deflate a thousandfold are written where that is asked for`() throws {
    let zeros = try NamedTensors([("z", Tensor(zeros: .uint8, shape: [72 << 20]))])
    let small = try Container(Container.encode(zeros))
    #expect(small.fileByteCount < 1 << 18)
    let error = #expect(throws: CairnError.self) {
      try write(small, to: "x.safetensors", as: .safetensors)
    }
    #expect(error?.code == .overBudget)
    #expect(error?.remedies == [.expand])
    try write(small, to: "x.safetensors", as: .safetensors, expands: true)
    #expect(try CheckpointFile.open(folder.file("x.safetensors")).source.count == 1)
    // What comes from memory has no bound.
    try write(zeros, to: "y.safetensors", as: .safetensors)
  }

  @Test func `One long text does not make a million short ones as long`() throws {
    var texts = [[UInt8]](repeating: [0x61], count: 4_000)
    texts[7] = [UInt8](repeating: 0x62, count: 8_000)
    let source = try NamedTensors([("t", Tensor(byteStrings: texts))])
    // 4,000 texts of 8,000 characters of four bytes: 128 MB of 44 KB.
    let error = #expect(throws: CairnError.self) { try write(source, to: "x.npz", as: .npz) }
    #expect(error?.code == .overBudget)
    texts[7] = [UInt8](repeating: 0x62, count: 400)
    let honest = try NamedTensors([("t", Tensor(byteStrings: texts))])
    try write(honest, to: "x.npz", as: .npz)
    let back = try CheckpointFile.open(folder.file("x.npz")).source.tensor(at: 0)
    #expect(try back.byteStrings() == texts)
  }

  @Test(
    arguments: [
      ([0xC3, 0xA9], true), ([0xED, 0x9F, 0xBF], true), ([0xF4, 0x8F, 0xBF, 0xBF], true),
      ([0xF0, 0x90, 0x80, 0x80], true), ([0xEF, 0xBF, 0xBD, 0x41], true),
      ([0xC0, 0x80], false), ([0xED, 0xA0, 0x80], false), ([0xF4, 0x90, 0x80, 0x80], false),
      ([0xE0, 0x9F, 0xBF], false), ([0xF0, 0x8F, 0xBF, 0xBF], false), ([0xC3], false),
      ([0x80], false), ([0xC3, 0x41], false), ([0xFF], false),
    ] as [([UInt8], Bool)])
  func `What is UTF-8 by RFC 3629 is written as characters, all else as bytes`(
    text: [UInt8], isText: Bool
  ) throws {
    #expect((String(validating: text, as: UTF8.self) != nil) == isText)
    let tensor = try Tensor(byteStrings: [[0x41], text])
    #expect((try NPYTexts(holding: tensor).form != .bytes) == isText)
    try write(NamedTensors([("t", tensor)]), to: "x.npz", as: .npz)
    let back = try CheckpointFile.open(folder.file("x.npz")).source.tensor(at: 0)
    #expect(try back.byteStrings() == [[0x41], text])
  }
}
