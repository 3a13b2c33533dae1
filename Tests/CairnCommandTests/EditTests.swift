// `cairn edit`, and what `cairn convert` selects.

import CairnCheckpoints
import CairnJSON
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct EditTests {
  private let folder: TestFolder

  init() throws {
    folder = try TestFolder()
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
  }

  /// Names, types and shapes of a checkpoint, in order.
  private func tensors(_ name: String) async throws -> [String] {
    let run = try await cairn("info", "--json", name, in: folder)
    let value = try JSONValue(parsing: Array(run.output.utf8))
    return try #require(value["tensors"]?.arrayValue).map { tensor in
      let shape = try #require(tensor["shape"]?.arrayValue).compactMap(\.intValue)
      return "\(try #require(tensor["name"]?.stringValue))"
        + " \(try #require(tensor["dtype"]?.stringValue)) \(shape)"
        + (tensor["aliasOf"]?.stringValue.map { " = \($0)" } ?? "")
    }
  }

  @Test func `One part of a split model is not replaced by all of it`() async throws {
    for number in 1...3 {
      let name = "split-0000\(number)-of-00003.gguf"
      try FileManager.default.copyItem(
        atPath: fixtures + "/gguf_more/" + name, toPath: folder.path + "/" + name)
    }
    let part = "split-00002-of-00003.gguf"
    let before = try folder.bytes(part)
    let run = try await cairn(
      "edit", "--in-place", "--rename", "re:^=>x.", part, in: folder)
    #expect(run.status == 2 && run.errors.contains("[unsupported]"))
    try await cairn("convert", part, part, in: folder).expectFailure("invalidArgument")
    #expect(try folder.bytes(part) == before)
  }

  @Test func `Convert takes what is selected, in other types and under other names`() async throws {
    let run = try await cairn(
      "convert", "--include", "dense/*", "--exclude", "re:bias$", "--cast", "float16",
      "--transpose", "*kernel", "--rename", "dense/*=>linear.$1", "--lossy", "plain.safetensors",
      "out.npz", in: folder)
    #expect(run.status == 0 && run.output.hasPrefix("out.npz: 1 tensors, "))
    #expect(
      run.errorLines.contains(
        "cairn: lost: precision of 1 tensors: cast ‘dense/kernel’ from float32 to float16, "
          + "rounded to the nearest, ties to even"))
    #expect(try await tensors("out.npz") == ["linear.kernel float16 [64, 48]"])
    try await cairn(
      "convert", "--cast", "float16", "plain.safetensors", "out.cairn", in: folder
    ).expectFailure("cannotHold")
    try await cairn(
      "convert", "--include", "danse/*", "plain.safetensors", "out.cairn", in: folder
    ).expectFailure("noSuchTensor")
    #expect(try folder.names() == ["out.npz", "plain.safetensors", "rich.cairn"])
  }

  @Test func `A name left out of a tie leaves the tensor under the other, and says so`()
    async throws
  {
    let run = try await cairn(
      "convert", "--exclude", "dense/kernel", "rich.cairn", "out.cairn", in: folder)
    #expect(run.status == 0 && run.errorLines.count == 1 && run.errors.contains("‘head/kernel’"))
    #expect(try await tensors("out.cairn").contains("head/kernel float32 [48, 64]"))
  }

  @Test func `Edits of all kinds, and everything else stays`() async throws {
    try folder.writeContainer(
      NamedTensors([("dense/bias", Samples.floats([64], seed: 9)), ("other", Tensor(scalar: 1.5))]),
      to: "donor.cairn")
    let run = try await cairn(
      "edit", "--delete", "mask", "--transplant", "donor.cairn::dense/*", "--merge",
      "donor.cairn=>donor.", "--add", "donor.cairn::other=>lr", "--cast", "step=float64", "--lossy",
      "--rename", "re:^dense/=>d/", "rich.cairn", "new.cairn", in: folder)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      try await tensors("new.cairn") == [
        "d/kernel float32 [48, 64]", "d/bias float32 [64]", "norm/scale bfloat16 [2]",
        "step float64 []", "none float16 [0, 3]", "head/kernel float32 [48, 64] = d/kernel",
        "vocabulary string [3]", "donor.dense/bias float32 [64]", "donor.other float64 []",
        "lr float64 []",
      ])
    let info = try await cairn("info", "new.cairn", in: folder).output
    for part in ["epoch = 3", "model        configuration", "generator state"] {
      #expect(info.contains(part), "\(part)")
    }
    // What was transplanted is the donor's, what was not touched the input's.
    try await cairn(
      "edit", "--include", "d/bias", "--rename", "d/bias=>dense/bias", "new.cairn", "a.safetensors",
      "--lossy", in: folder
    ).expectComplaints()
    try await cairn(
      "edit", "--include", "dense/bias", "donor.cairn", "b.safetensors", in: folder
    ).expectSuccess()
    try await cairn("diff", "--tensors-only", "a.safetensors", "b.safetensors", in: folder)
      .expectSuccess()
  }

  @Test func `A dry run tells and does nothing`() async throws {
    let before = try folder.names()
    let bytes = try folder.bytes("plain.safetensors")
    for target in [[], ["new.npz", "--lossy"], ["--in-place"]] {
      let run = try await cairn(
        ["edit", "--dry-run", "--delete", "mask", "--rename", "step=>n", "plain.safetensors"]
          + target, in: folder)
      run.expectSuccess()
      #expect(
        run.output == """
          delete ‘mask’
          rename ‘step’ to ‘n’
          5 tensors would be left; nothing was written

          """)
    }
    // What the target cannot hold is found without writing.
    try await cairn(
      "edit", "--dry-run", "--delete", "mask", "plain.safetensors", "new.npz", in: folder
    )
    .expectOutputAndComplaint("cannotHold")
    #expect(try folder.names() == before)
    #expect(try folder.bytes("plain.safetensors") == bytes)
  }

  @Test func `The input is replaced only if that is asked for, and whole`() async throws {
    let bytes = try folder.bytes("plain.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link"), withDestinationPath: "plain.safetensors")
    for output in ["plain.safetensors", "./plain.safetensors", "link"] {
      try await cairn(
        "edit", "--to", "safetensors", "--delete", "mask", "plain.safetensors", output, in: folder
      ).expectFailure("invalidArgument")
    }
    // The last of the tensors cannot be cast: NaN is no integer.
    try folder.writeContainer(
      NamedTensors([("x", Tensor([1, .nan] as [Float]))]), to: "nan.cairn")
    let container = try folder.bytes("nan.cairn")
    try await cairn("edit", "--in-place", "--lossy", "--cast", "x=int8", "nan.cairn", in: folder)
      .expectOutputAndComplaint("notRepresentable")
    #expect(try folder.bytes("nan.cairn") == container)
    #expect(try folder.bytes("plain.safetensors") == bytes)

    try folder.setMode("plain.safetensors", 0o640)
    try await cairn("edit", "--in-place", "--delete", "mask", "link", in: folder).expectSuccess()
    #expect(try folder.linkTarget("link") == "plain.safetensors")
    #expect(try folder.mode("plain.safetensors") == 0o640)
    #expect(try await tensors("plain.safetensors").count == 5)
    #expect(try folder.names() == ["link", "nan.cairn", "plain.safetensors", "rich.cairn"])
  }

  @Test func `A file can be grafted onto itself`() async throws {
    try await cairn(
      "edit", "--in-place", "--merge", "plain.safetensors=>copy/", "plain.safetensors", in: folder
    ).expectSuccess()
    let names = try await tensors("plain.safetensors")
    #expect(names.count == 12 && names.contains("copy/mask bool [3]"))
  }

  @Test(arguments: [
    ["plain.safetensors", "x.cairn"], ["--delete", "mask", "plain.safetensors"],
    ["--delete", "mask", "--in-place", "plain.safetensors", "x.cairn"],
    ["--delete", "mask", "--in-place", "--to", "cairn", "plain.safetensors"],
    ["--rename", "a", "plain.safetensors", "x.cairn"],
    ["--add", "x", "plain.safetensors", "x.cairn"],
    ["--add", "x=>", "plain.safetensors", "x.cairn"],
    ["--delete", "", "plain.safetensors", "x.cairn"],
    ["--transplant", "a::[", "plain.safetensors", "x.cairn"],
    ["--cast", "float", "plain.safetensors", "x.cairn"],
  ])
  func `A wrong command line changes nothing`(arguments: [String]) async throws {
    try await cairn(["edit"] + arguments, in: folder).expectUsageError()
    #expect(try folder.names() == ["plain.safetensors", "rich.cairn"])
  }

  @Test(
    arguments: [
      ("--rename", ["a", "a=b", "a=>b=>c", "=>b", "a=>$", "a=>$x", "[=>b"]),
      ("--cast", ["", "float", "a=", "=float32", "a=string", "x=float33", "bfloat16=a"]),
      ("--transpose", ["", "a=", "a=0,0", "a=1", "a=0,,1", "a=1,2", "a=99999999999999999999"]),
    ])
  func `An edit that is none is refused`(option: String, texts: [String]) async throws {
    for text in texts {
      let run = try await cairn("edit", "--dry-run", option, text, "plain.safetensors", in: folder)
      run.expectUsageError()
      #expect(run.errors.contains("[invalidArgument]"), "\(text)")
    }
  }

  @Test(arguments: [
    (["--merge", "plain.safetensors"], "duplicateName"), (["--merge", "no.npz"], "notFound"),
    (["--rename", "*=>x"], "duplicateName"), (["--rename", "no=>x"], "noSuchTensor"),
    (["--add", "plain.safetensors=>x"], "invalidArgument"),
    (["--transplant", "rich.cairn::vocabulary"], "noSuchTensor"),
    (["--transpose", "mask=1,0"], "shapeMismatch"), (["--rename", "mask=>$2"], "invalidArgument"),
  ])
  func `What cannot be done is said`(arguments: [String], code: String) async throws {
    try await cairn(["edit"] + arguments + ["plain.safetensors", "x.cairn"], in: folder)
      .expectFailure(code)
    #expect(try folder.names() == ["plain.safetensors", "rich.cairn"])
  }
}

extension CommandRun {
  /// Checks that the run did what it should and noted something.
  fileprivate func expectComplaints(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status == 0 && !errors.isEmpty, "\(errors)", sourceLocation: sourceLocation)
  }

  /// Checks that the run failed after it had said something.
  fileprivate func expectOutputAndComplaint(
    _ code: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(status == 2, sourceLocation: sourceLocation)
    #expect(errors.contains("[\(code)]"), "\(errors)", sourceLocation: sourceLocation)
  }
}
