// An HDF5 file, or a `.keras` archive with one in it: opened, read, its model made, written anew.

import Cairn
import Forge

/// Runs `body`; what a reader does not know, it may refuse.
private func answer(_ body: () throws(CairnError) -> Void) throws(CairnError) {
  do throws(CairnError) { try body() } catch {
    let known: [CairnError.Code] = [
      .unsupported, .missingFile, .noConfiguration, .unknownLayerClass, .unsupportedConfiguration,
    ]
    guard known.contains(error.code) else { throw error }
  }
}

/// A model of a mebibyte at most.
private let limits = {
  var limits = ModelLimits()
  limits.maximumParameters = 1 << 16
  return limits
}()

private func check(_ bytes: [UInt8]) throws(CairnError) {
  try answer { () throws(CairnError) in
    let memory = try source(bytes)
    let file: any CheckpointSource =
      bytes.starts(with: [0x50, 0x4B]) ? try KerasFile(memory) : try HDF5File(memory)
    let tensors = try NamedTensors(reading: file)
    for index in 0..<file.count {
      let entry = promised("an entry") { () throws(CairnError) in try file.entry(at: index) }
      if entry.byteCount
        != promised(
          "a tensor",
          { () throws(CairnError) in
            try tensors.tensor(at: index).byteCount
          })
      {
        fail("a tensor has not the bytes of its entry")
      }
    }
    if file.configuration != nil {
      try? answer { () throws(CairnError) in
        _ = try Model.load(from: tensors, limits: limits)
      }
    }
    stopMetering()
    let container = promised("a file that was read can be converted") { () throws(CairnError) in
      var plain = tensors
      // What is no JSON is nothing that a container can have.
      plain.configuration = nil
      return try Container(Container.encode(plain, options: .fuzzing))
    }
    var plain = tensors
    plain.configuration = nil
    expectSame(plain, container, "converted")
  }
}

/// `hashlittle` of Bob Jenkins's lookup3.c, written apart from the reader's.
private func lookup3(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  var state = [UInt32](repeating: 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count), count: 3)
  func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 {
    value << count | value >> (32 - count)
  }
  var rest = Array(bytes)
  func add(_ block: ArraySlice<UInt8>) {
    for (place, byte) in block.enumerated() {
      state[place / 4] &+= UInt32(byte) << UInt32(place % 4 * 8)
    }
  }
  while rest.count > 12 {
    add(rest[..<12])
    rest.removeFirst(12)
    // a, b and c in turn.
    for (step, turn) in [(0, 4), (1, 6), (2, 8), (0, 16), (1, 19), (2, 4)] as [(Int, UInt32)] {
      let (left, right) = ((step + 2) % 3, (step + 1) % 3)
      state[step] = (state[step] &- state[left]) ^ rotated(state[left], turn)
      state[left] &+= state[right]
    }
  }
  guard !rest.isEmpty else { return state[2] }
  add(rest[...])
  for (to, from, turn) in [
    (2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24),
  ] as [(Int, Int, UInt32)] {
    state[to] = (state[to] ^ state[from]) &- rotated(state[from], turn)
  }
  return state[2]
}

/// The sums of the later object headers made right, so that what they guard is looked at.
private func repaired(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  var place = 0
  while place + 8 < bytes.count {
    defer { place += 1 }
    guard bytes[place] == 0x4F, bytes[place...].starts(with: [0x4F, 0x48, 0x44, 0x52, 2]) else {
      continue
    }
    let flags = bytes[place + 5]
    let width = 1 << Int(flags & 3)
    let head = 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
    guard place + head + width <= bytes.count else { continue }
    let size = (0..<width).reduce(UInt64(0)) {
      $0 | UInt64(bytes[place + head + $1]) << UInt64(8 * $1)
    }
    guard size < UInt64(bytes.count) else { continue }
    let end = place + head + width + Int(size)
    guard end + 4 <= bytes.count else { continue }
    let sum = lookup3(bytes[place..<end])
    for byte in 0..<4 { bytes[end + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * byte)) }
  }
  return bytes
}

/// The next input, from one before.
private func changed(
  _ bytes: [UInt8], _ capacity: Int, _ random: inout SeededNumbers
) -> [UInt8]? {
  repaired(mutated(bytes, growth: max(0, capacity - bytes.count)))
}

extension FuzzTarget {
  static let hdf5 = FuzzTarget("hdf5", changed: changed, check)
}
