// What is recovered of files that are cut or damaged, held against what their frames still hold.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

/// Salvages `bytes` on one thread.
func salvage(
  _ bytes: [UInt8], _ change: (inout SalvageOptions) -> Void = { _ in }
) throws -> Salvage {
  var options = SalvageOptions()
  options.reading.threads = 1
  change(&options)
  return try Salvage(MemoryBytes(bytes), options: options)
}

extension Salvage {
  /// The names of what was recovered, in the order of weights.
  var names: [String] {
    get throws {
      try recovered.indicesInWeightOrder().map { try recovered.entry(at: $0).name.string }
    }
  }

  /// The losses of one kind, as their names or else their ordinals.
  func lost(_ kind: SalvageLoss.Kind) -> [String] {
    losses.filter { $0.kind == kind }.map { $0.name?.string ?? $0.ordinal.map { "\($0)" } ?? "?" }
  }
}

/// A checkpoint of every kind of tensor in a file of a few thousand bytes; coded, one has three
/// chunks.
func checkpointToDamage(_ codec: WriteOptions.Codec) throws -> (NamedTensors, [UInt8]) {
  var tensors = try sampleCheckpoint(weights: 30)
  if codec == .auto {
    let ramp = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 / 1_000) }
    try tensors.add(Tensor(dtype: .uint8, shape: [150_000], bytes: ramp), named: "chunks")
  }
  try tensors.addBlob(Blob(name: "another", bytes: Array("notes".utf8)))
  let bytes = try Container.encode(
    tensors,
    options: WriteOptions {
      $0.codec = codec
      $0.log2ChunkSize = 16
    }
  ).allBytes()
  return (tensors, bytes)
}

/// Checks that everything that was recovered is bit for bit what it was.
func expectEqual(
  _ salvage: Salvage, _ original: NamedTensors, _ comment: @autoclosure () -> String,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var last = -1
  for index in try salvage.recovered.indicesInWeightOrder() {
    let entry = try salvage.recovered.entry(at: index)
    let found = try original.index(of: entry.name)
    let place = try #require(found, sourceLocation: sourceLocation)
    let expected = try original.entry(at: place)
    let tensor = try salvage.recovered.tensor(at: index)
    let isSame =
      try tensor.dtype == expected.dtype && tensor.shape == expected.shape
      && tensor.bytes == original.tensor(at: place).bytes
    // Positions have no gaps and keep their order.
    #expect(isSame, "\(comment()): \(entry.name)", sourceLocation: sourceLocation)
    #expect(expected.position > last, "\(comment())", sourceLocation: sourceLocation)
    last = expected.position
  }
  let positions = try salvage.recovered.entries().map(\.position).sorted()
  #expect(
    positions == Array(0..<salvage.recovered.count), "\(comment())", sourceLocation: sourceLocation)
  if !salvage.recovered.metadata.isEmpty {
    #expect(salvage.recovered.metadata == original.metadata, sourceLocation: sourceLocation)
  }
  if let configuration = salvage.recovered.configuration {
    #expect(configuration == original.configuration, sourceLocation: sourceLocation)
  }
  for blob in try salvage.recovered.blobs {
    #expect(original.blobs.contains(blob), sourceLocation: sourceLocation)
  }
}

@Suite struct SalvageTests {
  @Test(arguments: WriteOptions.Codec.allCases)
  func `Of an intact file everything is recovered and nothing is lost`(
    codec: WriteOptions.Codec
  ) throws {
    let (tensors, bytes) = try checkpointToDamage(codec)
    let salvaged = try salvage(bytes)
    #expect(salvaged.losses.isEmpty)
    #expect(salvaged.recovered.count == tensors.count)
    try expectEqual(salvaged, tensors, "intact")
    // The copy is the file: same content, same options, same bytes.
    let copy = try Container.encode(
      salvaged.recovered,
      options: WriteOptions {
        $0.codec = codec
        $0.log2ChunkSize = 16
      }
    ).allBytes()
    #expect(copy == bytes)
  }

  @Test(arguments: WriteOptions.Codec.allCases)
  func `Cut at any byte, a file gives back what lies whole ahead of the cut`(
    codec: WriteOptions.Codec
  ) throws {
    let (tensors, bytes) = try checkpointToDamage(codec)
    let layout = FrameLayout(bytes)
    #expect(layout.frames("CHNK").count + layout.frames("RAWD").count >= 4)
    for count in 0..<bytes.count {
      let salvaged = try salvage(Array(bytes[..<count]))
      let isThere = { (frame: FrameLayout.Frame) in frame.payload.upperBound <= count }
      let expected = layout.tensors(where: isThere)
      let names = try Set(salvaged.names)
      try #require(names == expected, "cut at \(count)")
      let whole = layout.frames.filter { isThere($0) }
      #expect(salvaged.recovered.metadata.isEmpty == !whole.contains { $0.type == "META" })
      #expect((salvaged.recovered.configuration == nil) == !whole.contains { $0.type == "CONF" })
      #expect(
        try Set(salvaged.recovered.blobs.map(\.name.string))
          == Set(whole.filter { $0.type == "BLOB" }.map(layout.blobName)))
      // A tensor whose header is whole is lost by its name.
      let headers = Set(whole.filter { $0.type == "TNSR" }.map(\.ordinal))
      let named = layout.tensors.filter { headers.contains($0.ordinal) }.map(\.name)
      #expect(
        Set(salvaged.lost(.tensor)).isSuperset(of: Set(named).subtracting(expected)),
        "cut at \(count)")
      #expect(salvaged.lost(.tail).count == 1)
      if count % 64 == 0 || bytes.count - count < 200 {
        try expectEqual(salvaged, tensors, "cut at \(count)")
      }
    }
  }

  @Test(arguments: WriteOptions.Codec.allCases)
  func `What is recovered of a cut file makes a valid one`(codec: WriteOptions.Codec) throws {
    let (tensors, bytes) = try checkpointToDamage(codec)
    for count in stride(from: 64, through: bytes.count, by: 177) {
      let salvaged = try salvage(Array(bytes[..<count]))
      let copy = try Container(Container.encode(salvaged.recovered))
      #expect(throws: Never.self) { try copy.verify(.deep) }
      #expect(copy.count == salvaged.recovered.count)
      let back = try NamedTensors(reading: copy)
      for name in back.names {
        let isSame = try back[name]?.bytes == tensors.tensor(named: name).bytes
        #expect(isSame, "cut at \(count): \(name)")
      }
    }
  }

  /// Raw tensors of several blocks, where a cut within the data loses the tensor whole.
  @Test func `Cuts around the borders of blocks and frames are like any other`() throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor((0..<700_000).map { Float($0) }), named: "a")
    try tensors.add(Tensor(weightLike(300, seed: 5)), named: "b")
    let bytes = try Container.encode(tensors, options: WriteOptions { $0.codec = .raw }).allBytes()
    let layout = FrameLayout(bytes)
    let borders = layout.frames.flatMap {
      [$0.offset, $0.payload.lowerBound, $0.payload.upperBound]
    }
    let data = layout.frames("RAWD")[0].payload.lowerBound
    for border in borders + [data + 1 << 20, data + 2 << 20] {
      for count in border - 1...border + 1 where count < bytes.count {
        let salvaged = try salvage(Array(bytes[..<count]))
        let expected = layout.tensors { $0.payload.upperBound <= count }
        #expect(try Set(salvaged.names) == expected, "cut at \(count)")
        try expectEqual(salvaged, tensors, "cut at \(count)")
      }
    }
  }

  @Test func `A file of another kind has nothing to salvage`() throws {
    for bytes in [[], [0x89], Array("PK\u{3}\u{4}".utf8), [UInt8](repeating: 7, count: 5_000)] {
      let salvaged = try salvage(bytes)
      #expect(salvaged.isEmpty)
      #expect(salvaged.lost(.tail).count == 1)
    }
  }

  @Test func `A file from the future is refused, a damaged version is not`() throws {
    let (tensors, bytes) = try checkpointToDamage(.raw)
    for (place, expected) in [(8, CairnError.Code.unsupportedVersion), (17, .unsupportedFeature)] {
      var future = bytes
      future[place] ^= 2
      #expect(try salvage(future).recovered.count == tensors.count)
      future.seal(0, 64)
      #expect(code { _ = try salvage(future) } == expected)
    }
  }

  @Test func `Progress ends with all of it, and stops the work when it throws`() throws {
    let (_, bytes) = try checkpointToDamage(.auto)
    var last = WorkProgress(done: 0, total: 0)
    _ = try Salvage(MemoryBytes(bytes)) { (progress) throws(CairnError) in
      #expect(progress.done >= last.done && progress.done <= progress.total)
      last = progress
    }
    #expect(last.done == last.total && last.total > 0)
    #expect(
      code {
        _ = try Salvage(MemoryBytes(bytes)) { (_) throws(CairnError) in
          throw CairnError(.interrupted, "enough")
        }
      } == .interrupted)
  }
}
