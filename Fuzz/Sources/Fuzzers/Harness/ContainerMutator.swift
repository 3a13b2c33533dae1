// Changing a container where it counts, with libFuzzer's mutators for the bytes themselves.

import Forge

/// Changes containers and repairs what a reader would stop at first.
struct ContainerMutator {
  private var random: SeededNumbers
  private let capacity: Int
  /// The frames whose payloads are changed most; all alike if there are none.
  private let focus: Set<String>

  /// A mutator that gives at most `capacity` bytes.
  init(_ random: SeededNumbers, capacity: Int, focus: Set<String> = []) {
    self.random = random
    self.capacity = capacity
    self.focus = focus
  }

  /// `bytes` changed in one place; nil if it comes out too long.
  mutating func change(_ bytes: [UInt8]) -> [UInt8]? {
    var changed = bytes
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<15: changed = mutated(bytes, growth: max(0, capacity - bytes.count))
    case 15..<40: changeRecord(&changed)
    case 40..<65: setField(&changed)
    case 65..<90: changeFrame(&changed)
    default: reorderFrames(&changed)
    }
    // Some files keep their digests and their broken sums: the checks of those are code too.
    if !random.once(in: 3) { changed = ContainerForge.removingDigests(changed) }
    if !random.once(in: 8) { changed = ContainerForge.repairingChecksums(changed) }
    return changed.count <= capacity ? changed : nil
  }

  // MARK: - In place

  /// A part of the file that is read as one: a record, a section, a header, a payload.
  private mutating func region(_ bytes: [UInt8]) -> Range<Int>? {
    let places = FrameLayout(bytes)
    var regions = [0..<min(60, bytes.count)]
    if let commit = places.commit { regions.append(commit..<commit + 124) }
    if let table = places.pageTable { regions += [table, table] }
    if let sections = places.sections {
      if let entry = Array(sections.entryStarts).randomElement(using: &random) {
        regions += Array(repeating: entry..<entry + 96, count: 4)
      }
      if let block = Array(sections.blockStarts).randomElement(using: &random) {
        regions += Array(repeating: block..<block + 20, count: 2)
      }
      regions += [sections.dimensions, sections.names]
    }
    if let frame = places.frames.randomElement(using: &random) {
      regions.append(frame.offset..<frame.offset + 60)
    }
    let wanted = places.frames.filter { focus.contains($0.type) }
    if let frame = (wanted.isEmpty ? places.frames : wanted).randomElement(using: &random) {
      regions += [frame.payload, frame.payload]
    }
    return regions.filter { !$0.isEmpty }.randomElement(using: &random)
  }

  private mutating func changeRecord(_ bytes: inout [UInt8]) {
    guard let region = region(bytes) else { return }
    let changed = mutated(Array(bytes[region]), growth: 0)
    bytes.replaceSubrange(region.prefix(changed.count), with: changed)
  }

  private mutating func setField(_ bytes: inout [UInt8]) {
    guard let region = region(bytes), let width = [1, 2, 4, 8].randomElement(using: &random),
      region.count >= width
    else { return }
    let number = Int.random(in: 0..<region.count / width, using: &random)
    let offset = region.lowerBound + number * width
    let old = bytes.field(offset, width)
    bytes.setField(offset, width, to: value(old, bytes))
  }

  /// A number that is near a limit, near what was there, or taken from elsewhere in the file.
  private mutating func value(_ old: UInt64, _ bytes: [UInt8]) -> UInt64 {
    let near = UInt64(bitPattern: Int64.random(in: -2...2, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return UInt64.random(in: 0...4, using: &random)
    case 1: return (UInt64(1) << UInt64.random(in: 0..<64, using: &random)) &+ near
    case 2: return old &+ near
    case 3: return old &+ near &* 64
    case 4: return UInt64(bytes.count) &+ near &* 64
    default:
      let place = Int.random(in: 0...bytes.count / 8, using: &random) * 8
      return bytes.field(place, Bool.random(using: &random) ? 8 : 4)
    }
  }

  // MARK: - Laid out anew

  private mutating func changeFrame(_ bytes: inout [UInt8]) {
    guard var layout = ForgedLayout(bytes) else { return }
    let wanted = layout.frames.indices.filter { focus.contains(layout.frames[$0].type) }
    guard
      let number = (wanted.isEmpty ? Array(layout.frames.indices) : wanted)
        .randomElement(using: &random)
    else { return }
    var payload = mutated(layout.frames[number].payload, growth: max(0, capacity - bytes.count))
    if layout.frames[number].type == "CHNK", !random.once(in: 4) {
      payload = ContainerForge.repairingStream(payload)
    }
    layout.frames[number].payload = payload
    bytes = layout.bytes()
  }

  private mutating func reorderFrames(_ bytes: inout [UInt8]) {
    guard var layout = ForgedLayout(bytes) else { return }
    let one = Int.random(in: layout.frames.indices, using: &random)
    let other = Int.random(in: layout.frames.indices, using: &random)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: layout.frames.remove(at: one)
    case 1: layout.frames.insert(layout.frames[one], at: other)
    default: layout.frames.swapAt(one, other)
    }
    bytes = layout.bytes()
  }
}
