// `.npy` and `.npz`: files that NumPy wrote, files that must be refused, and what Cairn writes.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct NumPyTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  @Test(arguments: [
    ("objects", "unsupported", "Python objects"), ("structured", "unsupported", "structured"),
    ("dates", "unsupported", "dates"), ("raw_bytes", "unsupported", "raw bytes"),
    ("float8", "unsupported", "ml_dtypes"), ("long_double", "unsupported", "64 bits"),
  ])
  func `What holds no plain numbers is refused by its name`(
    name: String, code: String, says: String
  ) throws {
    let error = try #require(refusal(of: "\(fixtures)/numpy/refused_\(name).npy"))
    #expect(error.code.name == code)
    #expect(error.message.contains(says))
    #expect(error.location.offset != nil && error.location.file != nil)
  }

  /// A version-1 file with that header and so many bytes of elements.
  private static func npy(_ header: String, data: Int = 0) -> [UInt8] {
    let text = Array(header.utf8)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8)]
      + text + [UInt8](repeating: 1, count: data)
  }

  @Test(
    arguments: [
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, "truncated"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, "trailingBytes"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, "invalidHeader"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", 8, "invalidHeader"),
      ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, "invalidHeader"),
      ("{'descr': '<f4', 'shape': (2,)}", 8, "invalidHeader"),
      (
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8,
        "invalidHeader"
      ),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", 8, "invalidHeader"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} or 1", 8, "invalidHeader"),
      ("{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}", 8, nil),
      ("{'descr': '<f3', 'fortran_order': False, 'shape': (2,)}", 8, "unknownDType"),
      (
        "{'descr': '<f8', 'fortran_order': True, 'shape': (281474976710655, 281474976710655)}", 8,
        "invalidShape"
      ),
      (
        "{'descr': '<f8', 'fortran_order': True, 'shape': (4294967296, 2147483647)}", 8,
        "invalidShape"
      ),
      (
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8,
        "invalidHeader"
      ),
      (
        "{'descr': '|b1', 'fortran_order': False, 'shape': (0, 281474976710656)}", 0, "invalidShape"
      ),
      ("{'descr': '<U0', 'fortran_order': False, 'shape': (2,)}", 0, "unsupported"),
      ("{'descr': 'U1', 'fortran_order': False, 'shape': (2,)}", 8, "invalidElement"),
      ("{'descr': '<U2', 'fortran_order': False, 'shape': (2,)}", 8, "truncated"),
      // 0x01010101 is no character.
      ("{'descr': '<U1', 'fortran_order': False, 'shape': (2,)}", 8, "invalidElement"),
      ("{'descr': '<U1', 'fortran_order': False, 'shape': (0, 281474976710655)}", 0, nil),
      (
        "{'descr': '<U9', 'fortran_order': False, 'shape': (281474976710655, 32767)}", 0,
        "invalidShape"
      ),
      (
        "{'descr': '<U1073741824', 'fortran_order': False, 'shape': (281474976710655,)}", 8,
        "invalidShape"
      ), ("{'descr': '<U99999999999', 'fortran_order': False, 'shape': ()}", 8, "unsupported"),
      ("__import__('os')", 8, "invalidHeader"), ("", 8, "invalidHeader"),
    ] as [(String, Int, String?)])
  func `A header that is none is refused`(header: String, data: Int, code: String?) throws {
    let path = folder.file("bad.npy")
    try write(Self.npy(header, data: data), to: path)
    #expect(refusal(of: path)?.code.name == code)
  }

  @Test func `A file cut anywhere, or with a byte changed in its header, never traps`() throws {
    let whole = try contents(of: "\(fixtures)/numpy/fortran.npy")
    let path = folder.file("cut.npy")
    for count in 0..<whole.count {
      try write(Array(whole[..<count]), to: path)
      #expect(refusal(of: path, format: .npy) != nil)
    }
    for place in 0..<128 {
      var bytes = whole
      bytes[place] ^= 0x15
      try write(bytes, to: path)
      _ = refusal(of: path, format: .npy)
    }
  }

  @Test func `An array is written as NumPy writes it, byte for byte`() throws {
    for name in [
      "version_1", "scalar", "empty", "one_dimension", "bfloat16", "texts", "byte_strings",
      "texts_scalar",
    ] {
      let original = "\(fixtures)/numpy/\(name).npy"
      let path = folder.file("\(name).npy")
      var sink = try CheckpointFormat.npy.writer(to: path)
      try sink.write(CheckpointFile.open(original).source)
      #expect(try contents(of: path) == contents(of: original), "\(name)")
    }
  }

  @Test func `Texts are written as narrow as they can be, and zeros at their ends refused`() throws
  {
    let path = folder.file("t.npy")
    for (texts, spelling) in [
      ([[]], "<U1"), ([Array("é".utf8), Array("ab".utf8)], "<U2"), ([[0xFF], [1, 2, 3]], "|S3"),
      ([[0, 1]], "<U2"), ([[1, 0]], nil),
    ] as [([[UInt8]], String?)] {
      let source = try NamedTensors([("arr_0", Tensor(byteStrings: texts))])
      var sink = try CheckpointFormat.npy.writer(to: path)
      guard let spelling else {
        #expect(code { try sink.write(source) } == .cannotHold)
        continue
      }
      try sink.write(source)
      let written = try contents(of: path)
      #expect(String(decoding: written, as: UTF8.self).contains("'descr': '\(spelling)'"))
      let back = try CheckpointFile.open(path).source.tensor(at: 0)
      #expect(try back.byteStrings() == texts)
    }
  }

  @Test(arguments: WriteOptions.Codec.allCases)
  func `An archive is written, and comes back the same`(codec: WriteOptions.Codec) throws {
    for name in ["stored", "names", "nothing", "other_member"] {
      let original = try NamedTensors(
        reading: CheckpointFile.open("\(fixtures)/numpy/\(name).npz").source)
      var options = WriteOptions()
      options.codec = codec
      let path = folder.file("\(name).npz")
      var sink = try CheckpointFormat.npz.writer(to: path, options: options)
      try sink.write(original)
      let file = try CheckpointFile.open(path)
      try file.verify(.deep)
      let back = try NamedTensors(reading: file.source)
      #expect(back.names == original.names && back.blobs == original.blobs)
      for tensor in original.names { #expect(back[tensor] == original[tensor], "\(tensor)") }
      let codecs = Set(try file.storages().map(\.codec))
      #expect(codecs.isSubset(of: codec == .auto ? ["deflated"] : ["raw"]))
    }
  }

  @Test func `What NumPy has no place for is refused unless it is accepted to be lost`() throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor([Float(1), 2]), named: "a")
    try tensors.addAlias("b", of: "a")
    tensors.metadata["key"] = .string("value")
    tensors.configuration = Array("{}".utf8)
    for loss in ["configuration", "ties", "metadata"] {
      let error = #expect(throws: CairnError.self) {
        var sink = try CheckpointFormat.npz.writer(
          to: folder.file("x.npz"), accepting: loss == "configuration" ? [] : [.configuration])
        if loss == "metadata" {
          sink = try CheckpointFormat.npz.writer(
            to: folder.file("x.npz"), accepting: [.configuration, .ties])
        }
        try sink.write(tensors)
      }
      #expect(error?.code == .cannotHold)
      #expect(error?.advice?.contains(loss) == true)
    }
    var sink = try CheckpointFormat.npz.writer(to: folder.file("x.npz"), accepting: .all)
    try sink.write(tensors)
    let back = try CheckpointFile.open(folder.file("x.npz")).source
    #expect(try back.entries().map { "\($0.name) \($0.aliasOf == nil)" } == ["a true", "b true"])
    #expect(try back.tensor(named: "b").bytes == tensors["a"]?.bytes)

    var float8 = NamedTensors()
    try float8.add(Tensor(zeros: .float8E4M3FN, shape: [2]), named: "arr_0")
    for format in [CheckpointFormat.npy, .npz] {
      var sink = try format.writer(to: folder.file("y"), accepting: .all)
      #expect(code { try sink.write(float8) } == .cannotHold)
    }
    var two = try CheckpointFormat.npy.writer(to: folder.file("y.npy"), accepting: .all)
    #expect(code { try two.write(tensors) } == .cannotHold)
  }

  @Test(arguments: WriteOptions.Codec.allCases)
  func `A tied tensor is in the archive under each of its names`(codec: WriteOptions.Codec) throws {
    // More of them than are kept at a time, one that is too large to be kept, and an order in which their
    // names do not follow each other.
    var tensors = NamedTensors()
    let owners = 0..<24
    for owner in owners {
      let count = owner == 3 ? 400_000 : 200_000
      let values = (0..<count).map { Float($0 &* (owner &* 2 &+ 1) & 0xFFFFF) }
      let name = "t\(owner)"
      try tensors.add(Tensor(values), named: TensorName(name))
    }
    for again in 0..<2 {
      for owner in owners {
        let (alias, name) = ("a\(again)_\(owner)", "t\(owner)")
        try tensors.addAlias(TensorName(alias), of: TensorName(name))
      }
    }
    var options = WriteOptions()
    (options.codec, options.durability) = (codec, .none)
    let path = folder.file("tied.npz")
    var sink = try CheckpointFormat.npz.writer(to: path, options: options, accepting: .all)
    #expect(try sink.write(tensors) == contents(of: path).count)
    let file = try CheckpointFile.open(path)
    try file.verify(.deep)
    #expect(file.source.count == 3 * owners.count)
    for owner in owners {
      let own = "t\(owner)"
      let expected = try tensors.tensor(named: TensorName(own)).bytes
      for name in ["t\(owner)", "a0_\(owner)", "a1_\(owner)"] {
        #expect(try file.source.tensor(named: TensorName(name)).bytes == expected, "\(name)")
      }
    }
  }

  /// Spellings that `numpy.dtype()` takes, and what it makes of them (NumPy 2.4.6 on Linux).
  static let spellings: [(String, DType, Bool)] = [
    ("f4", .float32, false), ("=f4", .float32, false), ("|f4", .float32, false),
    ("<f", .float32, false), (">f", .float32, true), ("float32", .float32, false),
    ("single", .float32, false), ("e", .float16, false), ("half", .float16, false),
    ("d", .float64, false), (">d", .float64, true), ("float", .float64, false),
    ("double", .float64, false), ("?", .bool, false), ("bool", .bool, false),
    ("bool_", .bool, false), ("b", .int8, false), (">b", .int8, false), ("B", .uint8, false),
    ("ubyte", .uint8, false), ("h", .int16, false), ("H", .uint16, false), ("i", .int32, false),
    ("I", .uint32, false), ("intc", .int32, false), ("l", .int64, false), ("L", .uint64, false),
    ("q", .int64, false), ("Q", .uint64, false), ("p", .int64, false), ("P", .uint64, false),
    ("n", .int64, false), ("N", .uint64, false), ("int", .int64, false), ("uint", .uint64, false),
    ("longlong", .int64, false), ("F", .complex64, false), ("D", .complex128, false),
    (">F", .complex64, true), ("complex", .complex128, false), ("csingle", .complex64, false),
    ("i8", .int64, false), (">i8", .int64, true), ("=u2", .uint16, false), ("|b1", .bool, false),
  ]

  @Test(arguments: spellings)
  func `Every spelling that NumPy takes is read`(text: String, dtype: DType, isSwapped: Bool) throws
  {
    let width = (dtype.bitWidth ?? 8) / 8
    let path = folder.file("spelt.npy")
    let bytes = Self.npy("{'descr': '\(text)', 'fortran_order': False, 'shape': ()}")
    let element = (0..<width).map { UInt8($0 == 0 ? 1 : 0) }
    try write(bytes + element, to: path)
    let tensor = try CheckpointFile.open(path).source.tensor(at: 0)
    #expect(tensor.dtype == dtype)
    let number = dtype == .complex64 || dtype == .complex128 ? width / 2 : width
    let expected = isSwapped ? (0..<width).map { UInt8($0 == number - 1 ? 1 : 0) } : element
    #expect(tensor.bytes == expected)
  }

  @Test(arguments: ["<float32", "=int", "f", "<x4", "float33", "F4"])
  func `What NumPy does not take is refused`(text: String) throws {
    let path = folder.file("not.npy")
    try write(
      Self.npy("{'descr': '\(text)', 'fortran_order': False, 'shape': (1,)}", data: 4), to: path)
    #expect((refusal(of: path) == nil) == (text == "f"))
  }
}
