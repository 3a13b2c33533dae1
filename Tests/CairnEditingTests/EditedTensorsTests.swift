// Edits of tensors: what comes out, in which order, and what becomes of ties.

import CairnCheckpoints
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnEditing

@Suite struct EditedTensorsTests {
  /// `a` (2×3 float32, 0 … 5), `b` (int8, 3), `tied`, a second name of `a`, `c` (float16, 1.5).
  private func base() throws -> NamedTensors {
    var tensors = NamedTensors()
    try tensors.add(Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 3]), named: "a")
    try tensors.add(Tensor([1, -2, 3] as [Int8], shape: [3]), named: "b")
    try tensors.addAlias("tied", of: "a")
    try tensors.add(Tensor(dtype: .float16, shape: [1], bytes: [0, 0x3E]), named: "c")
    tensors.metadata["epoch"] = .int(3)
    tensors.configuration = [0x7B, 0x7D]
    try tensors.addBlob(Blob(name: "blob", bytes: [1]))
    return tensors
  }

  private func summary(_ source: some TensorSource) throws -> [String] {
    try source.entries().map { entry in
      "\(entry.name) \(entry.dtype) \(entry.shape)" + (entry.aliasOf.map { " = \($0)" } ?? "")
    }
  }

  /// All bytes, read at once and in parts of 5, which begin and end within elements.
  private func bytes(_ source: some TensorSource, _ name: TensorName) throws -> String {
    let index = try #require(try source.index(of: name))
    let whole = try source.tensor(at: index).bytes
    var parts: [UInt8] = []
    while parts.count < whole.count {
      var part = [UInt8](repeating: 0, count: min(5, whole.count - parts.count))
      var span = part.mutableSpan
      try source.read(at: index, from: parts.count, into: &span)
      parts += part
    }
    #expect(parts == whole)
    return whole.hexDigits
  }

  @Test func `Without edits it is what it was`() throws {
    let edited = try EditedTensors(base())
    #expect(
      try summary(edited) == [
        "a float32 (2, 3)", "b int8 (3,)", "tied float32 (2, 3) = a", "c float16 (1,)",
      ])
    #expect(edited.metadata == (try base().metadata) && edited.configuration == [0x7B, 0x7D])
    #expect(try edited.blobs == base().blobs)
    #expect(try edited.memory(at: 0) != nil && edited.changes.isEmpty)
  }

  @Test func `Names are chosen by patterns`() throws {
    var edited = try EditedTensors(base())
    try edited.select(including: [NamePattern("?")], excluding: [NamePattern("re:b")])
    #expect(try summary(edited) == ["a float32 (2, 3)", "c float16 (1,)"])
    #expect(edited.changes.map(\.description) == ["delete ‘b’", "delete ‘tied’"])
    #expect(code { try edited.select(including: [NamePattern("b")]) } == .noSuchTensor)
    #expect(
      code { try edited.select(excluding: [NamePattern("a"), NamePattern("x")]) } == .noSuchTensor)
  }

  @Test func `A tensor stays under its second name, and that is told`() throws {
    var edited = try EditedTensors(base())
    try edited.select(excluding: [NamePattern("a")])
    #expect(
      try summary(edited) == ["b int8 (3,)", "tied float32 (2, 3)", "c float16 (1,)"])
    #expect(try bytes(edited, "tied") == bytes(base(), "a"))
    #expect(edited.changes.filter(\.isConsequence).count == 1)
  }

  @Test func `Renaming keeps ties, refuses clashes, and can swap`() throws {
    var edited = try EditedTensors(base())
    try edited.rename([
      RenamingRule("a", to: "x"), RenamingRule("b", to: "a"), RenamingRule("x", to: "b"),
    ])
    #expect(
      try summary(edited) == [
        "b float32 (2, 3)", "a int8 (3,)", "tied float32 (2, 3) = b", "c float16 (1,)",
      ])
    #expect(try edited.index(of: "b") == 0 && edited.index(of: "x") == nil)
    for (pattern, name, expected) in [
      ("?", "x", .duplicateName), ("c", "b", .duplicateName), ("c", "", .invalidName),
      ("c", "\u{7}", .invalidName), ("nothing", "x", .noSuchTensor), ("c", "$1", .invalidArgument),
    ] as [(String, String, CairnError.Code)] {
      var copy = edited
      let rule = try RenamingRule(NamePattern(pattern), to: name)
      #expect(code { try copy.rename([rule]) } == expected, "\(pattern) to \(name)")
    }
  }

  @Test func `A cast rounds as the type does, only where it is accepted`() throws {
    var edited = try EditedTensors(
      NamedTensors([
        ("third", Tensor([1 / 3, -2 / 3, 5 / 3] as [Float], shape: [3])),
        ("n", Tensor([1, 2] as [Int32], shape: [2])),
      ]))
    // 0x3EAAAAAB, 0xBF2AAAAB, 0x3FD55555, of which the upper halves round up, up, down.
    let rule = CastRule(to: .bfloat16)
    #expect(code { try edited.cast([rule]) } == .cannotHold)
    try edited.cast([rule], accepting: .precision)
    #expect(try summary(edited) == ["third bfloat16 (3,)", "n int32 (2,)"])
    #expect(try bytes(edited, "third") == "ab3e2bbfd53f")
    #expect(edited.changes.map(\.isLossy) == [true])
    try edited.cast([
      CastRule(NamePattern("*"), to: .float32), CastRule(NamePattern("n"), to: .float64),
    ])
    #expect(try bytes(edited, "third") == "0000ab3e00002bbf0000d53f")
    #expect(try bytes(edited, "n") == "000000000000f03f0000000000000040")
    #expect(edited.changes.filter(\.isLossy).count == 1)
    #expect(
      code { try edited.cast([CastRule(NamePattern("n"), to: .int8)], accepting: .all) } == nil)
    #expect(try bytes(edited, "n") == "0102")
  }

  @Test func `Of several casts the last counts, on the tensor as it was`() throws {
    var edited = try EditedTensors(
      NamedTensors([("x", Tensor([1 / 3] as [Float], shape: [1]))]))
    try edited.cast([CastRule(to: .float16), CastRule(NamePattern("x"), to: .float64)])
    #expect(try bytes(edited, "x") == "000000605555d53f")
  }

  @Test func `A cast is of the tensor, under all its names`() throws {
    var edited = try EditedTensors(base())
    try edited.cast([CastRule(NamePattern("tied"), to: .float64)])
    #expect(try summary(edited)[0] == "a float64 (2, 3)")
    #expect(try summary(edited)[2] == "tied float64 (2, 3) = a")
    #expect(edited.changes.last?.isConsequence == true)
  }

  @Test(arguments: [1, 7, 8, 9, 65_536, 65_541, 140_000])
  func `Elements of less than a byte are cast to whole ones and back`(count: Int) throws {
    let values = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 % 16) }
    let wide = try Tensor(dtype: .uint8, shape: [count], bytes: values)
    var edited = try EditedTensors(NamedTensors([("x", wide)]))
    try edited.cast([CastRule(NamePattern("x"), to: .uint4)], accepting: .precision)
    let packed = stride(from: 0, to: count, by: 2).map { place in
      values[place] | (place + 1 < count ? values[place + 1] << 4 : 0)
    }
    #expect(try edited.tensor(at: 0).bytes == packed)
    if count < 100 { #expect(try bytes(edited, "x") == packed.hexDigits) }
    try edited.cast([CastRule(NamePattern("x"), to: .uint8)])
    #expect(try edited.tensor(at: 0).bytes == values)
  }

  @Test func `An element that has no counterpart is named`() throws {
    var values = [Float](repeating: 1, count: 70_000)
    values[66_001] = .nan
    var edited = try EditedTensors(NamedTensors([("x", Tensor(values, shape: [70_000]))]))
    try edited.cast([CastRule(NamePattern("x"), to: .int16)], accepting: .precision)
    do throws(CairnError) {
      _ = try edited.tensor(at: 0)
      Issue.record("NaN became an integer")
    } catch {
      #expect(error.code == .notRepresentable && error.location.index == 66_001)
      #expect(error.location.name == "x")
    }
  }

  @Test func `What is no number is not cast`() throws {
    var edited = try EditedTensors(NamedTensors([("s", Tensor(strings: ["x"]))]))
    #expect(
      code { try edited.cast([CastRule(NamePattern("s"), to: .int8)], accepting: .all) }
        == .noConversion)
  }

  @Test func `Dimensions are put where the rule says`() throws {
    var edited = try EditedTensors(base())
    try edited.transpose([TransposingRule(NamePattern("tied"))])
    #expect(try summary(edited)[0] == "a float32 (3, 2)")
    #expect(
      try edited.tensor(at: 0).scalars(of: Float.self) == [0, 3, 1, 4, 2, 5])
    try edited.transpose([TransposingRule(NamePattern("a"), axes: [1, 0])])
    #expect(try bytes(edited, "a") == bytes(base(), "a"))
    #expect(
      code { try edited.transpose([TransposingRule(NamePattern("b"), axes: [1, 0])]) }
        == .shapeMismatch)
    // OIHW to HWIO, as numpy.arange(24, dtype="u1").reshape(2, 3, 2, 2).transpose(2, 3, 1, 0).
    let kernel = try Tensor(dtype: .uint8, shape: [2, 3, 2, 2], bytes: (0..<24).map { UInt8($0) })
    var convolution = try EditedTensors(NamedTensors([("k", kernel)]))
    try convolution.transpose([TransposingRule(NamePattern("k"), axes: [2, 3, 1, 0])])
    #expect(try convolution.entry(at: 0).shape == [2, 2, 3, 2])
    #expect(
      try bytes(convolution, "k") == "000c04100814010d05110915020e06120a16030f07130b17")
    var packed = try EditedTensors(NamedTensors([("p", Tensor(zeros: .int4, shape: [2, 2]))]))
    #expect(code { try packed.transpose([TransposingRule(NamePattern("p"))]) } == .unsupported)
  }

  @Test func `Tensors of other sources are added, under prefixes or names`() throws {
    var edited = try EditedTensors(base())
    #expect(
      code {
        var copy = edited; try copy.merge(base())
      } == .duplicateName)
    try edited.merge(base(), prefix: "other/", called: "other.cairn")
    #expect(
      try summary(edited).suffix(4) == [
        "other/a float32 (2, 3)", "other/b int8 (3,)", "other/tied float32 (2, 3) = other/a",
        "other/c float16 (1,)",
      ])
    try edited.add("b", of: base(), as: "d")
    #expect(try bytes(edited, "d") == "01fe03")
    #expect(
      code {
        var copy = edited; try copy.add(nil, of: base(), as: "e")
      } == .invalidArgument)
    #expect(
      code {
        var copy = edited; try copy.add("q", of: base(), as: "e")
      } == .noSuchTensor)
    #expect(
      code {
        var copy = edited; try copy.add("b", of: base(), as: "a")
      } == .duplicateName)
    #expect(edited.metadata == (try base().metadata))
    var plain = try EditedTensors(NamedTensors())
    try plain.merge(base(), called: "x")
    #expect(
      plain.changes.last?.description == "leave metadata, configuration, blobs of x")
  }

  @Test func `A transplant replaces what is alike`() throws {
    let donor = try NamedTensors([
      ("a", Tensor([9, 9, 9, 9, 9, 9] as [Float], shape: [2, 3])),
      ("b", Tensor([7, 7] as [Int8], shape: [2])), ("z", Tensor([1] as [Int8], shape: [1])),
    ])
    var edited = try EditedTensors(base())
    try edited.transplant(NamePattern("a"), of: donor)
    #expect(
      try edited.tensor(named: "tied").scalars(of: Float.self) == Array(repeating: 9, count: 6))
    #expect(edited.changes.map(\.isConsequence) == [false, true])
    for (pattern, expected) in [
      ("b", .shapeMismatch), ("z", .noSuchTensor), ("nothing", .noSuchTensor),
    ] as [(String, CairnError.Code)] {
      #expect(code { try edited.transplant(NamePattern(pattern), of: donor) } == expected)
    }
    let other = try NamedTensors([("b", Tensor([1, 2, 3] as [UInt8], shape: [3]))])
    #expect(code { try edited.transplant(of: other) } == .dtypeMismatch)
    let apart = try NamedTensors([
      ("a", Tensor([9, 9, 9, 9, 9, 9] as [Float], shape: [2, 3])),
      ("tied", Tensor([8, 8, 8, 8, 8, 8] as [Float], shape: [2, 3])),
    ])
    #expect(code { try edited.transplant(of: apart) } == .invalidArgument)
    #expect(
      code { try edited.transplant(of: NamedTensors([("y", Tensor(zeros: .int8, shape: []))])) }
        == .noSuchTensor)
  }

  @Test func `Ties that metadata tell are told under the new names`() throws {
    var tied = try NamedTensors([("a.w", Tensor([1] as [Int8], shape: [1]))])
    try tied.addAlias("b.w", of: "a.w")
    tied.metadata["b.w"] = .string("a.w")
    tied.metadata["format"] = .string("pt")
    let file = try SafetensorsFile(MemoryBytes(tied.encoded(as: .safetensors).array))
    var edited = try EditedTensors(file)
    try edited.rename([RenamingRule(NamePattern("re:^"), to: "m.")])
    #expect(edited.metadata["m.b.w"] == .string("m.a.w") && edited.metadata["b.w"] == nil)
    let again = try SafetensorsFile(MemoryBytes(edited.encoded(as: .safetensors).array))
    #expect(try summary(again) == ["m.a.w int8 (1,)", "m.b.w int8 (1,) = m.a.w"])
    try edited.select(excluding: [NamePattern("m.a.w")])
    #expect(edited.metadata.keys == ["format"])
    #expect(try summary(edited) == ["m.b.w int8 (1,)"])
  }
}
