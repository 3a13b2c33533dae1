// Damage in each part of a file in turn: what one route has lost the other still has.

import CairnCheckpoints
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnContainer

@Suite struct SalvageDamageTests {
  /// Without its commit record a file has no index that could be trusted.
  private func withoutIndex(_ bytes: [UInt8]) -> [UInt8] { bytes.flipped(at: bytes.count - 100) }

  private struct Part: CustomTestStringConvertible, Sendable {
    var isPayload: Bool
    var hasIndex: Bool
    var testDescription: String {
      (isPayload ? "payloads" : "headers") + (hasIndex ? "" : ", without the index")
    }
  }

  private static let parts = [true, false].flatMap { isPayload in
    [true, false].map { Part(isPayload: isPayload, hasIndex: $0) }
  }

  /// Whether a tensor survives damage in one of its frames.
  private func survives(_ frame: FrameLayout.Frame, _ part: Part) -> Bool {
    switch frame.type {
    case "TNSR", "BSUM": part.hasIndex
    case "CHNK", "RAWD": part.hasIndex && !part.isPayload
    default: true
    }
  }

  @Test(arguments: WriteOptions.Codec.allCases, parts)
  private func `Damage in one frame loses what only that frame had`(
    codec: WriteOptions.Codec, part: Part
  ) throws {
    let (tensors, bytes) = try checkpointToDamage(codec)
    let layout = FrameLayout(bytes)
    for frame in layout.frames where !part.isPayload || !frame.payload.isEmpty {
      let place = part.isPayload ? frame.payload.lowerBound + frame.payload.count / 2 : frame.offset
      for bitPlace in part.isPayload ? [place] : [place + 1, place + 9, place + 30, place + 62] {
        var damaged = bytes.flipped(at: bitPlace)
        if !part.hasIndex { damaged = withoutIndex(damaged) }
        let salvaged = try salvage(damaged)
        let isHit = { (other: FrameLayout.Frame) in other.offset == frame.offset }
        let expected = layout.tensors { !isHit($0) || survives($0, part) }
        let names = try Set(salvaged.names)
        #expect(names == expected, "\(frame)")
        try expectEqual(salvaged, tensors, "\(frame)")
        let attachmentIsLost = frame.isAttachment && (part.isPayload || !part.hasIndex)
        #expect(salvaged.recovered.metadata.isEmpty == (frame.type == "META" && attachmentIsLost))
        #expect(
          (salvaged.recovered.configuration == nil) == (frame.type == "CONF" && attachmentIsLost))
        #expect(
          try salvaged.recovered.blobs.count == (frame.type == "BLOB" && attachmentIsLost ? 1 : 2))
        try expectLosses(salvaged, layout, frame, part, attachmentIsLost)
      }
    }
  }

  private func expectLosses(
    _ salvaged: Salvage, _ layout: FrameLayout, _ frame: FrameLayout.Frame, _ part: Part,
    _ attachmentIsLost: Bool
  ) throws {
    let all = Set(layout.tensors.map(\.name))
    var expected = try all.subtracting(salvaged.names)
    if frame.type == "TNSR", !part.hasIndex {
      // Nobody knows the name any more; the last tensor may have left no trace at all.
      expected = expected.filter { $0 != layout.tensors[frame.ordinal].name }
      let last = frame.ordinal == layout.tensors.count - 1
      let hasData = layout.frames.contains {
        $0.ordinal == frame.ordinal && ["CHNK", "RAWD"].contains($0.type)
      }
      if part.isPayload || !last || hasData { expected.insert("\(frame.ordinal)") }
    }
    #expect(Set(salvaged.lost(.tensor)) == expected, "\(frame)")
    let kinds: [String: SalvageLoss.Kind] = [
      "META": .metadata, "CONF": .configuration, "BLOB": .blob,
    ]
    if let kind = kinds[frame.type], attachmentIsLost, part.isPayload {
      #expect(salvaged.lost(kind).count == 1)
    }
    // A header that is no frame is a part of the file that nothing explains.
    let regions = salvaged.losses.filter { $0.kind == .region }.flatMap(\.fileRanges)
    if !part.isPayload {
      #expect(regions.contains { $0.contains(frame.offset) }, "\(frame)")
    }
    #expect(salvaged.lost(.tail).isEmpty == part.hasIndex)
    for loss in salvaged.losses {
      #expect(!loss.description.isEmpty && !loss.description.contains("\n"))
    }
  }

  @Test(arguments: WriteOptions.Codec.allCases, [0, 9, 33, 61])
  func `Without a superblock everything else is still there`(
    codec: WriteOptions.Codec, place: Int
  ) throws {
    let (tensors, bytes) = try checkpointToDamage(codec)
    for damaged in [bytes.flipped(at: place), withoutIndex(bytes.flipped(at: place))] {
      let salvaged = try salvage(damaged)
      #expect(salvaged.recovered.count == tensors.count)
      #expect(salvaged.losses.first { $0.kind == .region }?.fileRanges == [0..<64])
      try expectEqual(salvaged, tensors, "superblock")
    }
  }

  @Test func `Bytes behind the end are named, and the index ahead of them is used`() throws {
    let (tensors, bytes) = try checkpointToDamage(.auto)
    let chunk = FrameLayout(bytes).frames("CHNK")[1]
    let salvaged = try salvage(bytes.flipped(at: chunk.offset) + bytes)
    #expect(salvaged.recovered.count == tensors.count)
    try expectEqual(salvaged, tensors, "trailing")
    #expect(
      salvaged.losses.flatMap(\.fileRanges)
        == [chunk.offset..<chunk.offset + 64, bytes.count..<2 * bytes.count])
  }

  /// 600 tensors: the index has entries in its first two pages, names and dimensions behind them.
  @Test func `A damaged page of the index costs only what no frame tells`() throws {
    var tensors = NamedTensors()
    for number in 0..<600 {
      try tensors.add(Tensor([Int32(number)]), named: TensorName("tensor \(1_000 + number)"))
    }
    let bytes = try Container.encode(tensors, options: WriteOptions { $0.codec = .raw }).allBytes()
    let layout = FrameLayout(bytes)
    let index = layout.frames("INDX")[0].payload
    #expect(index.count > 65_536 && index.count < 131_072)
    let first = layout.frames("TNSR")[7]
    let second = layout.frames("TNSR")[580]
    for (page, lost) in [(0, "7"), (1, "580")] {
      let damaged = bytes.flipped(at: index.lowerBound + 65_536 * page + 5)
      #expect(try salvage(damaged).recovered.count == 600)
      let worse = damaged.flipped(at: first.offset).flipped(at: second.offset)
      let salvaged = try salvage(worse)
      // Names and dimensions of all are in the second page: without it no record is whole.
      let expected = page == 0 ? [lost] : ["7", lost]
      #expect(salvaged.lost(.tensor) == expected)
      #expect(salvaged.recovered.count == 600 - expected.count)
      try expectEqual(salvaged, tensors, "page \(page)")
    }
  }

  @Test func `Several damages at once lose each its own`() throws {
    let (tensors, bytes) = try checkpointToDamage(.auto)
    let layout = FrameLayout(bytes)
    let kernel = try #require(layout.tensors.first { $0.name == "decoder/kernel" })
    let data = try #require(layout.frames("CHNK").first { $0.ordinal == kernel.ordinal })
    let index = layout.frames("INDX")[0]
    var damaged = bytes.flipped(at: data.payload.lowerBound).flipped(at: index.offset)
    damaged = damaged.flipped(at: layout.frames("META")[0].payload.lowerBound + 9)
    let salvaged = try salvage(damaged)
    // The owner of a tie is the lowest name; its other name goes with it.
    #expect(Set(salvaged.lost(.tensor)) == ["decoder/kernel", "dense/kernel"])
    #expect(salvaged.lost(.metadata).count == 1)
    #expect(salvaged.recovered.count == tensors.count - 2)
    let loss = try #require(salvaged.losses.first { $0.name == "decoder/kernel" })
    #expect(loss.fileRanges == [data.payload])
    #expect(loss.byteRanges == [0..<120] && loss.elementRanges == [0..<30])
  }

  // MARK: - A container within a container

  /// A file whose raw data is a container.
  private func nested() throws -> (NamedTensors, [UInt8]) {
    let (inner, innerBytes) = try checkpointToDamage(.raw)
    var tensors = NamedTensors()
    try tensors.add(Tensor([Int16](0..<9)), named: "dense/kernel")
    try tensors.add(
      Tensor(dtype: .uint8, shape: [innerBytes.count], bytes: innerBytes), named: "inner")
    try tensors.add(Tensor([Float](repeating: 2, count: 7)), named: "zeta")
    try tensors.addBlob(Blob(name: "inner blob", bytes: innerBytes))
    #expect(inner.count > tensors.count)
    let bytes = try Container.encode(tensors, options: WriteOptions { $0.codec = .raw }).allBytes()
    return (tensors, bytes)
  }

  @Test func `Frames within a tensor's data or a blob are not the file's`() throws {
    let (tensors, bytes) = try nested()
    let layout = FrameLayout(bytes)
    let data = try #require(layout.frames("RAWD").first { $0.payload.count > 1_000 })
    let blob = layout.frames("BLOB")[0]
    for damaged in [
      bytes, withoutIndex(bytes), bytes.flipped(at: data.offset), bytes.flipped(at: blob.offset),
    ] {
      let salvaged = try salvage(damaged)
      #expect(try salvaged.names == ["dense/kernel", "inner", "zeta"])
      try expectEqual(salvaged, tensors, "nested")
    }
    for count in stride(from: 64, to: bytes.count, by: 64) {
      let salvaged = try salvage(Array(bytes[..<count]))
      let names = try Set(salvaged.names)
      #expect(names == layout.tensors { $0.payload.upperBound <= count }, "cut at \(count)")
    }
  }

  @Test func `Where both routes to a container within are lost, no name gets foreign bytes`() throws
  {
    let (tensors, bytes) = try nested()
    let data = try #require(FrameLayout(bytes).frames("RAWD").first { $0.payload.count > 1_000 })
    let salvaged = try salvage(withoutIndex(bytes.flipped(at: data.offset)))
    #expect(salvaged.lost(.tensor).contains("inner"))
    for index in 0..<salvaged.recovered.count {
      let name = try salvaged.recovered.entry(at: index).name
      guard let original = tensors[name] else { continue }
      #expect(try salvaged.recovered.tensor(at: index).bytes == original.bytes, "\(name)")
    }
  }
}
