// The content of an archive's member, checked against its CRC-32 before or while it is read.

import CairnCheckpoints
import CairnCodec
import CairnContainer
import CairnSystem

/// The content of a member, as a source of bytes.
///
/// A stored member's CRC-32 is checked once, before the first of its bytes is given out. A deflated
/// member's is checked when its end has been decoded.
struct ZipContent: ByteSource {
  private let source: any ByteSource
  private let member: ZipMember
  private let inflater: InflaterPool
  private let isChecked: Bool
  private let checked: Lock<Bool>

  /// - Parameter isChecked: Whether the archive has a CRC-32 of a stored member.
  init(source: any ByteSource, member: ZipMember, inflater: InflaterPool, isChecked: Bool = true) {
    self.source = source
    self.member = member
    self.inflater = inflater
    self.isChecked = isChecked
    checked = Lock(!isChecked)
  }

  var count: Int { member.byteCount }
  var path: String? { source.path }

  /// The member's bytes in the source's memory, if the member is stored and correct and the source
  /// has memory.
  var memory: ByteRegion? {
    guard member.method == .stored, let memory = source.memory, (try? checkOnce()) != nil else {
      return nil
    }
    return memory.part(member.dataOffset..<member.dataOffset + member.byteCount)
  }

  func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    guard member.method == .deflated else {
      try checkOnce()
      return try source.read(at: member.dataOffset + offset, into: &bytes)
    }
    try inflater.checkAllowed()
    try inflater.read(member, at: offset, into: &bytes)
  }

  /// The first bytes, at most `limit`, without checking the whole.
  func beginning(_ limit: Int) throws(CairnError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: min(limit, count))
    var span = bytes.mutableSpan
    if member.method == .deflated {
      try inflater.read(member, at: 0, into: &span)
    } else {
      try source.read(at: member.dataOffset, into: &span)
    }
    return bytes
  }

  private func checkOnce() throws(CairnError) {
    try checked.withLock { (checked) throws(CairnError) in
      guard !checked else { return }
      try checkStored { (_) throws(CairnError) in }
      checked = true
    }
  }

  private func checkStored(_ progress: (Int) throws(CairnError) -> Void) throws(CairnError) {
    var crc: UInt32 = 0
    var done = 0
    try source.pass(member.dataOffset..<member.dataOffset + member.byteCount) {
      (bytes) throws(CairnError) in
      crc = Checksum.crc32(bytes, continuing: crc)
      done += bytes.count
      try progress(done)
    }
    if isChecked { try member.check(crc: crc, path: path) }
  }

  /// Reads all of the content and checks it.
  func checkAll(_ progress: (Int) throws(CairnError) -> Void) throws(CairnError) {
    guard member.method == .deflated else { return try checkStored(progress) }
    try inflater.checkAllowed()
    let window = try Storage(byteCount: max(1, min(1 << 20, count)), zeroed: false)
    var done = 0
    repeat {
      let part = min(window.byteCount, count - done)
      try window.withMutableBytes(in: 0..<part) { (bytes) throws(CairnError) in
        try inflater.read(member, at: done, into: &bytes)
      }
      done += part
      try progress(done)
    } while done < count
  }
}

extension ZipMember {
  func check(crc found: UInt32, path: String?) throws(CairnError) {
    guard found == crc else {
      throw CairnError(
        .checksumMismatch, "a member's content has another CRC-32 than the archive records",
        at: .init(file: path, offset: UInt64(headerOffset), name: name),
        expected: hex(crc, digits: 8), found: hex(found, digits: 8), advice: ZipArchive.advice)
    }
  }
}

/// The decoders that were used last, each at some place in a deflated member, so that reading can
/// go on without a new start. One reader uses them at a time.
final class InflaterPool: Sendable {
  private let source: any ByteSource
  private let places = Lock<[InflatedPlace]>([])

  /// The bytes that may be inflated only to reach others.
  private let waste: Budget?

  /// The error if no member may be read to its end.
  private let refusal: CairnError?

  private static let capacity = 4

  init(_ source: any ByteSource, waste: Int? = nil, refusal: CairnError? = nil) {
    self.source = source
    self.refusal = refusal
    self.waste = waste.map {
      Budget(
        bytes: $0, for: "going back in a deflated member",
        advice: "Save the checkpoint without compression")
    }
  }

  /// Throws if the members together would be far more than the archive has bytes for. Their
  /// beginnings, which tell what they are, can be read all the same.
  ///
  /// - Throws: `overBudget`.
  func checkAllowed() throws(CairnError) {
    if let refusal { throw refusal }
  }

  /// Fills `bytes` with the content of a deflated member from `offset` on.
  func read(
    _ member: ZipMember, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try places.withLock { (places) throws(CairnError) in
      var best: Int?
      for (index, place) in places.enumerated()
      where place.member.headerOffset == member.headerOffset && place.position <= offset {
        if best.map({ places[$0].position < place.position }) ?? true { best = index }
      }
      let place: InflatedPlace
      if let best {
        place = places.remove(at: best)
      } else {
        place = try InflatedPlace(source, member)
      }
      // After an error the decoder is dropped: what follows in the stream is worth nothing.
      try waste?.take(bytes: max(0, offset - place.position))
      try place.advance(to: offset)
      try place.read(into: &bytes)
      guard !place.isAtEnd else { return }
      places.append(place)
      if places.count > Self.capacity { places.removeFirst() }
    }
  }
}

/// A decoder somewhere in a deflated member.
///
/// `@unchecked Sendable`: it is touched only under the lock of the pool that holds it.
private final class InflatedPlace: @unchecked Sendable {
  let member: ZipMember
  private(set) var position = 0
  private let source: any ByteSource
  private var stream: InflateStream
  private var input: [UInt8] = []
  private var inputPlace = 0
  private var taken = 0
  private var crc: UInt32 = 0

  init(_ source: any ByteSource, _ member: ZipMember) throws(CairnError) {
    self.source = source
    self.member = member
    do throws(CodecError) { stream = try InflateStream() } catch {
      throw CairnError(.outOfMemory, error.message, cause: error)
    }
  }

  var isAtEnd: Bool { position == member.byteCount }

  func advance(to offset: Int) throws(CairnError) {
    guard position < offset else { return }
    let scratch = try Storage(byteCount: min(offset - position, 1 << 16), zeroed: false)
    while position < offset {
      let part = min(scratch.byteCount, offset - position)
      try scratch.withMutableBytes(in: 0..<part) { (bytes) throws(CairnError) in
        try read(into: &bytes)
      }
    }
  }

  private func failure(_ message: String, _ found: String? = nil) -> CairnError {
    CairnError(
      .corruptStream, message,
      at: .init(
        file: source.path, offset: UInt64(member.dataOffset + taken - input.count + inputPlace),
        name: member.name), found: found, advice: ZipArchive.advice)
  }

  func read(into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    var done = 0
    var finished = false
    while done < bytes.count {
      let step = try bytes.withPart(done..<bytes.count) { (rest) throws(CairnError) in
        try self.step(into: &rest)
      }
      done += step.produced
      if step.isFinished {
        finished = true
        break
      }
    }
    guard done == bytes.count else { throw failure("a member ends before its size is reached") }
    crc = Checksum.crc32(bytes.span, continuing: crc)
    position += done
    if isAtEnd { try finish(finished) }
  }

  /// The stream must end after the last byte, and the member's data must end with the stream.
  private func finish(_ isFinished: Bool) throws(CairnError) {
    var finished = isFinished
    var spill: [UInt8] = [0]
    while !finished {
      var span = spill.mutableSpan
      let step = try self.step(into: &span)
      guard step.produced == 0 else { throw failure("a member gives more bytes than its size") }
      finished = step.isFinished
    }
    guard taken == member.storedByteCount, inputPlace == input.count else {
      throw failure("a member's data goes on after its stream")
    }
    try member.check(crc: crc, path: source.path)
  }

  private func step(into rest: inout MutableSpan<UInt8>) throws(CairnError) -> StreamStep {
    if inputPlace == input.count, taken < member.storedByteCount {
      var next = [UInt8](repeating: 0, count: min(1 << 16, member.storedByteCount - taken))
      var span = next.mutableSpan
      try source.read(at: member.dataOffset + taken, into: &span)
      input = next
      taken += input.count
      inputPlace = 0
    }
    let step: StreamStep
    // A reference of its own: the span must stay valid during the call that changes the decoder.
    let input = input
    let unread = input.span.extracting(inputPlace..<input.count)
    do throws(CodecError) {
      step = try stream.step(unread, into: &rest)
    } catch {
      throw failure("a member's data is no DEFLATE stream: \(error.message)")
    }
    inputPlace += step.consumed
    guard step.isFinished || step.consumed > 0 || step.produced > 0 else {
      throw failure("a member's data ends within its stream")
    }
    return step
  }
}
