// `cairn convert`: between the formats, and its options.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct ConvertTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func `To a container and back is the file that it was`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    let there = try await cairn("convert", "plain.safetensors", "plain.cairn", in: folder)
    there.expectSuccess()
    #expect(there.output.hasPrefix("plain.cairn: 6 tensors, "))
    #expect(there.output.split(separator: "\n").count == 1)
    try await cairn("verify", "--deep", "plain.cairn", in: folder).expectSuccess()
    try await cairn("convert", "plain.cairn", "back.safetensors", in: folder).expectSuccess()
    try #expect(folder.bytes("back.safetensors") == folder.bytes("plain.safetensors"))
    #expect(
      try folder.names() == ["back.safetensors", "plain.cairn", "plain.safetensors"])
  }

  @Test func `The format is the extension's, unless it is named`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    try FileManager.default.copyItem(
      atPath: folder.file("plain.safetensors"), toPath: folder.file("plain"))
    // The content tells what the input is, not its name.
    try await cairn("convert", "plain", "a.CAIRN", in: folder).expectSuccess()
    try await cairn("convert", "--to", "cairn", "plain", "b.bin", in: folder).expectSuccess()
    try await cairn("convert", "--to=cairn", "plain", "c.safetensors", in: folder).expectSuccess()
    try await cairn("convert", "--from", "safetensors", "plain", "d.cairn", in: folder)
      .expectSuccess()
    for file in ["b.bin", "c.safetensors", "d.cairn"] {
      try #expect(folder.bytes(file) == folder.bytes("a.CAIRN"), "\(file)")
    }
    #expect(try folder.bytes("a.CAIRN").starts(with: Container.signature))
    try await cairn("convert", "plain", "e.pkl", in: folder).expectFailure("unknownFormat")
    try await cairn("convert", "plain", "cairn", in: folder).expectFailure("unknownFormat")
    try await cairn("convert", "--from", "cairn", "plain", "f.cairn", in: folder)
      .expectFailure("notACairnFile", offset: true)
    for option in ["--to", "--from"] {
      try await cairn("convert", option, "h5", "plain", "g.cairn", in: folder).expectUsageError()
    }
    #expect(try folder.names().count == 6)
  }

  @Test func `The number of threads changes nothing`() async throws {
    var tensors = try Samples.rich()
    // More than one chunk, and more chunks than threads.
    try tensors.add(Samples.floats([9, 16_384], seed: 3), named: "large")
    try folder.writeContainer(tensors, to: "rich.cairn")
    for threads in ["1", "2", "8"] {
      try await cairn(
        "convert", "--chunk", "64K", "--threads", threads, "rich.cairn", "\(threads).cairn",
        in: folder
      ).expectSuccess()
    }
    let one = try folder.bytes("1.cairn")
    try #expect(folder.bytes("2.cairn") == one)
    try #expect(folder.bytes("8.cairn") == one)
    try await cairn("diff", "rich.cairn", "1.cairn", in: folder).expectSuccess()
  }

  @Test func `The codec decides between compressed and as it is`() async throws {
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
    for codec in ["raw", "auto"] {
      try await cairn(
        "convert", "--codec", codec, "rich.cairn", "\(codec).cairn", in: folder
      ).expectSuccess()
      try await cairn("diff", "rich.cairn", "\(codec).cairn", in: folder).expectSuccess()
    }
    let raw = try folder.bytes("raw.cairn")
    let auto = try folder.bytes("auto.cairn")
    #expect(FrameLayout(raw).frames("RAWD").count == 6 && FrameLayout(raw).frames("CHNK").isEmpty)
    #expect(FrameLayout(auto).frames("RAWD").isEmpty && FrameLayout(auto).frames("CHNK").count == 6)
    #expect(auto.count < raw.count)
  }

  @Test(arguments: [("64K", 16, 3), ("131072", 17, 2), ("256k", 18, 1), ("16M", 24, 1)])
  func `Chunks are as large as asked for`(size: String, log2: Int, chunks: Int) async throws {
    var tensors = NamedTensors()
    try tensors.add(Samples.floats([3, 16_384]), named: "large")
    try folder.writeContainer(tensors, to: "large.cairn")
    try await cairn("convert", "--chunk", size, "large.cairn", "chunked.cairn", in: folder)
      .expectSuccess()
    let file = try folder.bytes("chunked.cairn")
    #expect(FrameLayout(file).frames("CHNK").count == chunks)
    #expect(Int(file[33]) == log2)
  }

  @Test(arguments: [("64", 64), ("4K", 4_096), ("16K", 16_384), ("64K", 65_536)])
  func `Raw tensors begin where asked for`(text: String, alignment: Int) async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    try await cairn(
      "convert", "--codec", "raw", "--align", text, "plain.safetensors", "aligned.cairn",
      in: folder
    ).expectSuccess()
    let file = try folder.bytes("aligned.cairn")
    #expect(FrameLayout(file).frames("RAWD").count == 5)
    for frame in FrameLayout(file).frames("RAWD") {
      #expect(frame.payload.lowerBound % alignment == 0)
    }
    try await cairn("verify", "--deep", "aligned.cairn", in: folder).expectSuccess()
    try await cairn("diff", "plain.safetensors", "aligned.cairn", in: folder).expectSuccess()
  }

  @Test func `Digests are there unless they are not wanted`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    for (options, expected) in [([], true), (["--digests"], true), (["--no-digests"], false)] {
      try await cairn(
        ["convert", "plain.safetensors", "plain.cairn"] + options, in: folder
      ).expectSuccess()
      let run = try await cairn("info", "--json", "plain.cairn", in: folder)
      let value = try JSONValue(parsing: Array(run.output.utf8))
      #expect((value["rootDigest"]?.stringValue != nil) == expected)
      #expect((value["tensors"]?.arrayValue?.first?["digest"] != nil) == expected)
    }
  }

  @Test func `A file that must stay stays`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    for name in ["old.cairn", "old.safetensors"] {
      try folder.write([1, 2, 3], to: name)
      let run = try await cairn(
        "convert", "--no-clobber", "plain.safetensors", name, in: folder)
      run.expectFailure("alreadyExists")
      #expect(try folder.bytes(name) == [1, 2, 3])
      try await cairn("convert", "--no-clobber", "plain.safetensors", "new-\(name)", in: folder)
        .expectSuccess()
    }
    #expect(
      try folder.names() == [
        "new-old.cairn", "new-old.safetensors", "old.cairn", "old.safetensors",
        "plain.safetensors",
      ])
  }

  @Test func `Not waiting for the disk gives the same file`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    try await cairn("convert", "plain.safetensors", "a.cairn", in: folder).expectSuccess()
    try await cairn("convert", "--no-sync", "plain.safetensors", "b.cairn", in: folder)
      .expectSuccess()
    try #expect(folder.bytes("a.cairn") == folder.bytes("b.cairn"))
  }

  @Test(arguments: [
    ["--threads", "0"], ["--threads", "1025"], ["--threads", "two"], ["--threads=-1"],
    ["--codec", "gzip"], ["--chunk", "32K"], ["--chunk", "32M"], ["--chunk", "192K"],
    ["--chunk", "64KK"], ["--chunk", "1GM"], ["--chunk", ""], ["--chunk", "K"], ["--chunk=-64K"],
    ["--chunk", "9999999999999999999"], ["--chunk", "9999999999G"], ["--align", "65"],
    ["--align", "8K"], ["--align", "0"], ["--align", "128K"], ["--from", ""], ["--to", "zip"],
    ["--nonsense"], ["a third file"],
  ])
  func `A bad value is a wrong command line`(options: [String]) async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    let run = try await cairn(["convert", "plain.safetensors", "out.cairn"] + options, in: folder)
    run.expectUsageError()
    #expect(try folder.names() == ["plain.safetensors"])
  }

  @Test(arguments: ["convert", "copy"])
  func `What safetensors cannot hold is not dropped`(command: String) async throws {
    var tied = try Samples.plain()
    try tied.addAlias("again", of: "step")
    var configured = try Samples.plain()
    configured.configuration = Array("{}".utf8)
    var typed = try Samples.plain()
    typed.metadata["epoch"] = .int(3)
    var withBlob = try Samples.plain()
    try withBlob.addBlob(Blob(name: "b", bytes: [1]))
    var texts = NamedTensors()
    try texts.add(Tensor(strings: ["a"]), named: "texts")
    var nibbles = NamedTensors()
    try nibbles.add(Tensor(zeros: .int4, shape: [2]), named: "nibbles")
    var key = NamedTensors()
    try key.add(Tensor(zeros: .int8, shape: [2]), named: "__metadata__")
    try folder.write([1, 2, 3], to: "out.safetensors")
    for source in [tied, configured, typed, withBlob, texts, nibbles, key] {
      try folder.writeContainer(source, to: "in.cairn")
      try await cairn(command, "in.cairn", "out.safetensors", in: folder)
        .expectFailure("cannotHold")
    }
    #expect(try folder.bytes("out.safetensors") == [1, 2, 3])
    #expect(try folder.names() == ["in.cairn", "out.safetensors"])
  }

  @Test(arguments: SafetensorsCase.hostile)
  func `Hostile safetensors are refused by every command`(file: SafetensorsCase) async throws {
    try folder.writeHeader(
      file.header, data: file.data, length: file.length, to: "hostile.safetensors")
    try folder.write([1, 2, 3], to: "old.cairn")
    for arguments in [
      ["convert", "hostile.safetensors", "old.cairn"],
      ["copy", "hostile.safetensors", "old.cairn"], ["info", "hostile.safetensors"],
      ["diff", "hostile.safetensors", "hostile.safetensors"],
    ] {
      try await cairn(arguments, in: folder).expectFailure(file.code, offset: true)
    }
    try await cairn("verify", "hostile.safetensors", in: folder)
      .expectFailure(file.code, status: 1, offset: true)
    #expect(try folder.bytes("old.cairn") == [1, 2, 3])
    #expect(try folder.names() == ["hostile.safetensors", "old.cairn"])
  }

  @Test func `What cannot be read of safetensors is named by every command, and shown harmless`()
    async throws
  {
    let entries =
      "\"a\\u001b[2J\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
      + "\"b\":{\"dtype\":\"I4\",\"shape\":[2],\"data_offsets\":[1,2]},"
      + "\"ok\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}"
    _ = try folder.writeHeader("{\(entries)}", data: 3, to: "odd.safetensors")
    let info = try await cairn("info", "odd.safetensors", in: folder)
    info.expectSuccess()
    #expect(info.output.contains(#"not read     a\u{1b}[2J: U8"#))
    #expect(info.output.contains("not read     b: I4"))
    let verify = try await cairn("verify", "odd.safetensors", in: folder)
    verify.expectSuccess()
    #expect(verify.output.contains("; 2 items are not read"))
    for command in ["convert", "copy"] {
      try await cairn(command, "odd.safetensors", "out.cairn", in: folder)
        .expectFailure("cannotHold")
    }
    let lossy = try await cairn("convert", "--lossy", "odd.safetensors", "out.cairn", in: folder)
    #expect(lossy.status == 0 && lossy.errors.split(separator: "\n").count == 1)
    try await cairn("convert", "--exclude", "b", "odd.safetensors", "out.cairn", in: folder)
      .expectFailure("cannotHold")
  }

  @Test func `A copy says what of the input it does not have`() async throws {
    let path = fixtures + "/cases/formats/function.onnx"
    let run = try await cairn("copy", path, "a.cairn", in: folder)
    #expect(run.status == 0 && run.errors.contains("note: the"))
  }

  @Test func `A damaged tensor is never written on`() async throws {
    try folder.writeContainer(Samples.plain(), to: "a.cairn")
    var damaged = try folder.bytes("a.cairn")
    damaged[try #require(FrameLayout(damaged).frames("RAWD").last).payload.lowerBound] ^= 1
    try folder.write(damaged, to: "damaged.cairn")
    try folder.write([1, 2, 3], to: "old.cairn")
    for command in ["convert", "copy"] {
      for output in ["old.cairn", "new.cairn", "new.safetensors"] {
        try await cairn(command, "damaged.cairn", output, in: folder)
          .expectFailure("checksumMismatch", offset: true)
      }
    }
    #expect(try folder.bytes("old.cairn") == [1, 2, 3])
    #expect(try folder.names() == ["a.cairn", "damaged.cairn", "old.cairn"])
  }
}
