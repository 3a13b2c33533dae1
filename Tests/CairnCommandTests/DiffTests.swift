// `cairn diff`: 0 the same, 1 different, 2 no answer.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct DiffTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  /// Writes a container of one float tensor.
  private func write(_ values: [Float], to name: String) throws {
    var tensors = NamedTensors()
    try tensors.add(
      Tensor(dtype: .float32, shape: [values.count], bytes: Samples.bytes(values)), named: "w")
    try folder.writeContainer(tensors, to: name)
  }

  private func json(_ arguments: String..., status: Int32) async throws -> JSONValue {
    let run = try await cairn(["diff", "--json"] + arguments, in: folder)
    #expect(run.status == status)
    #expect(run.errors == "")
    return try JSONValue(parsing: Array(run.output.utf8))
  }

  @Test func `The same content is the same, however it is kept`() async throws {
    var small = Samples.raw
    small.codec = .auto
    small.log2ChunkSize = 16
    small.digests = false
    try folder.writeContainer(Samples.plain(), to: "raw.cairn")
    try folder.writeContainer(Samples.plain(), to: "auto.cairn", options: small)
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    let files = ["raw.cairn", "auto.cairn", "plain.safetensors"]
    for first in files {
      for second in files {
        let run = try await cairn("diff", first, second, in: folder)
        run.expectSuccess()
        #expect(run.output == "same to the bit: 6 tensors compared, 12559 bytes\n")
      }
    }
    let value = try await json("raw.cairn", "plain.safetensors", status: 0)
    #expect(value["same"] == .bool(true))
    #expect(value["compared_count"] == .integer(6))
  }

  @Test func `What could not be read is said not to have been compared`() async throws {
    let path = fixtures + "/torch_cases/lightning_namespace.ckpt"
    let run = try await cairn("diff", path, path, in: folder)
    run.expectSuccess()
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 3)
    for side in ["left", "right"] {
      #expect(
        lines.contains {
          $0.hasPrefix("not read  hyper_parameters  argparse.Namespace, on the \(side): ")
        })
    }
    #expect(lines.last?.hasPrefix("same to the bit: 9 tensors") == true)
    #expect(lines.last?.hasSuffix("; 2 items were not read") == true)
    let value = try await json(path, path, status: 0)
    #expect(value["opaque"]?["total"] == .integer(2))
    #expect(value["opaque"]?["first"]?.arrayValue?.first?["side"] == .string("left"))
    let tensors = try await cairn("diff", "--tensors-only", path, path, in: folder)
    #expect(tensors.output.split(separator: "\n").count == 1)
  }

  @Test func `Every kind of difference is told`() async throws {
    var other = NamedTensors()
    try other.add(Samples.floats([64], seed: 2), named: "dense/bias")
    var kernel = try Samples.floats([48, 64]).bytes
    kernel[7] ^= 0x80
    try other.add(
      Tensor(dtype: .float32, shape: [48, 64], bytes: kernel), named: "dense/kernel")
    try other.add(
      Tensor(dtype: .float16, shape: [2], bytes: [0x80, 0x3F, 0xC0, 0xBF]), named: "norm/scale")
    try other.add(
      Tensor(dtype: .int64, shape: [1], bytes: [7, 0, 0, 0, 0, 0, 0, 0]), named: "step")
    try other.add(Tensor(dtype: .bool, shape: [3], bytes: [1, 0, 1]), named: "mask")
    try other.add(Tensor(dtype: .uint8, shape: [1], bytes: [1]), named: "new")
    try other.addAlias("dense/bias/again", of: "dense/bias")
    other.metadata["format"] = .string("tf")
    other.configuration = Array("{}".utf8)
    try folder.writeContainer(Samples.rich(), to: "before.cairn")
    try folder.writeContainer(other, to: "after.cairn")
    let run = try await cairn("diff", "before.cairn", "after.cairn", in: folder)
    #expect(run.status == 1)
    #expect(run.errors == "")
    try Goldens.check(run.output, "diff-different")
    let value = try await json("before.cairn", "after.cairn", status: 1)
    #expect(value["same"] == .bool(false))
    for key in ["missing", "extra", "reordered", "retyped", "reshaped", "different", "metadata"] {
      #expect(value[key]?["total"]?.intValue ?? 0 > 0, "\(key)")
    }
    #expect(value["different"]?["first"]?.arrayValue?.first?["name"] == .string("dense/kernel"))
  }

  @Test func `Signs of zero differ and equal NaNs do not`() async throws {
    try write([0, .nan], to: "zero.cairn")
    try write([-0.0, .nan], to: "minus.cairn")
    let run = try await cairn("diff", "zero.cairn", "minus.cairn", in: folder)
    #expect(run.status == 1)
    #expect(run.output.contains("1 of 2 elements"))
    try await cairn("diff", "zero.cairn", "zero.cairn", in: folder).expectSuccess()
  }

  @Test func `A tolerance is one of values`() async throws {
    try write([1, 100], to: "a.cairn")
    try write([1.001, 100.05], to: "b.cairn")
    let cases: [([String], Int32)] = [
      ([], 1), (["--rtol", "1e-2"], 0), (["--rtol", "1e-4"], 1), (["--atol", "0.1"], 0),
      (["--atol", "0.01"], 1), (["--rtol", "6e-4", "--atol", "2e-3"], 0), (["--rtol", "0"], 1),
      // The two bounds are not added.
      (["--rtol", "6e-4", "--atol", "5e-4"], 1),
    ]
    for (options, status) in cases {
      let run = try await cairn(["diff", "a.cairn", "b.cairn"] + options, in: folder)
      #expect(run.status == status, "\(options)")
    }
    for options in [["--rtol", "-1"], ["--atol", "nan"], ["--rtol", "inf"], ["--atol", "x"]] {
      // A number that begins with a dash could be taken for an option.
      try await cairn(["diff", "a.cairn", "b.cairn"] + options, in: folder).expectUsageError()
    }
  }

  @Test func `Metadata count unless only tensors are asked for`() async throws {
    var other = try Samples.plain()
    other.metadata["format"] = .string("tf")
    try folder.writeContainer(Samples.plain(), to: "a.cairn")
    try folder.writeContainer(other, to: "b.cairn")
    let run = try await cairn("diff", "a.cairn", "b.cairn", in: folder)
    #expect(run.status == 1)
    #expect(run.output.contains("metadata"))
    try await cairn("diff", "--tensors-only", "a.cairn", "b.cairn", in: folder).expectSuccess()
  }

  @Test func `Quiet is quiet, whatever else is asked for`() async throws {
    try write([1], to: "a.cairn")
    try write([2], to: "b.cairn")
    for options in [["--quiet"], ["--quiet", "--json"]] {
      let run = try await cairn(["diff", "a.cairn", "b.cairn"] + options, in: folder)
      #expect(run.status == 1)
      #expect(run.output == "" && run.errors == "")
      let same = try await cairn(["diff", "a.cairn", "a.cairn"] + options, in: folder)
      #expect(same.status == 0)
      #expect(same.output == "" && same.errors == "")
    }
  }

  @Test func `Bytes can be compared instead of content`() async throws {
    try folder.writeContainer(Samples.plain(), to: "a.cairn")
    try folder.writeContainer(Samples.plain(), to: "auto.cairn", options: WriteOptions())
    try folder.write(folder.bytes("a.cairn"), to: "again.cairn")
    let same = try await cairn("diff", "--bytes", "a.cairn", "again.cairn", in: folder)
    same.expectSuccess()
    #expect(same.output == "the same bytes\n")
    try await cairn("diff", "a.cairn", "auto.cairn", in: folder).expectSuccess()
    let different = try await cairn("diff", "--bytes", "a.cairn", "auto.cairn", in: folder)
    #expect(different.status == 1)
    #expect(different.output.hasPrefix("bytes differ from offset "))
    let value = try await json("--bytes", "a.cairn", "auto.cairn", status: 1)
    #expect(value["leftBytes"]?.intValue == (try folder.bytes("a.cairn").count))
    let quiet = try await cairn("diff", "--bytes", "--quiet", "a.cairn", "auto.cairn", in: folder)
    #expect(quiet.status == 1 && quiet.output == "" && quiet.errors == "")
    try await cairn("diff", "--bytes", "a.cairn", "absent.cairn", in: folder)
      .expectFailure("notFound")
    try await cairn("diff", "--bytes", "--rtol", "1", "a.cairn", "a.cairn", in: folder)
      .expectUsageError()
  }

  @Test func `What cannot be compared gives no verdict`() async throws {
    try folder.writeContainer(Samples.plain(), to: "a.cairn")
    var damaged = try folder.bytes("a.cairn")
    damaged[FrameLayout(damaged).frames("RAWD")[0].payload.lowerBound] ^= 1
    try folder.write(damaged, to: "damaged.cairn")
    try folder.write(Array(damaged.dropLast()), to: "cut.cairn")
    for (first, second, code) in [
      ("a.cairn", "absent.cairn", "notFound"), ("absent.cairn", "a.cairn", "notFound"),
      ("a.cairn", "damaged.cairn", "checksumMismatch"), ("cut.cairn", "a.cairn", "truncated"),
      (".", "a.cairn", "notARegularFile"),
    ] {
      for options in [[], ["--quiet"], ["--json"]] {
        try await cairn(["diff", first, second] + options, in: folder).expectFailure(code)
      }
    }
  }

  @Test func `Characters that steer a terminal are shown, not sent`() async throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(zeros: .uint8, shape: [1]), named: "left\u{202E}right")
    tensors.metadata["key"] = .string("a\u{9B}31mb")
    try folder.writeContainer(tensors, to: "a.cairn")
    try folder.writeContainer(NamedTensors(), to: "b.cairn")
    let run = try await cairn("diff", "a.cairn", "b.cairn", in: folder)
    #expect(run.status == 1)
    #expect(run.output.contains(#"left\u{202e}right"#))
    #expect(!run.output.unicodeScalars.contains("\u{9B}"))
  }
}
