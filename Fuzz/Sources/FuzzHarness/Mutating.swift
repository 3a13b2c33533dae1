// From libFuzzer's pointers to arrays and back.

internal import CFuzzing
internal import ContainerForge

/// Replaces the input by what `body` makes of it; by libFuzzer's own mutation if that is nil or does
/// not fit.
public func mutate(
  _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int,
  _ body: ([UInt8]) -> [UInt8]?
) -> Int {
  let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  guard let changed = body(bytes), !changed.isEmpty, changed.count <= capacity else {
    return unsafe cairn_mutate(data, size, capacity)
  }
  for (place, byte) in changed.enumerated() { unsafe data[place] = byte }
  return changed.count
}

/// As above, for containers: changed in one place, with checksums repaired.
public func mutateContainer(
  _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, seed: UInt32,
  focus: Set<String> = []
) -> Int {
  unsafe mutate(data, size, capacity) { bytes in
    var mutator = ContainerMutator(seed: seed, capacity: capacity, focus: focus)
    return mutator.change(bytes)
  }
}

/// As above, for ZIP archives; other files are left to libFuzzer.
public func mutateArchive(
  _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, seed: UInt32
) -> Int {
  var random = SeededRandom(seed)
  return unsafe mutate(data, size, capacity) { bytes in
    guard bytes.starts(with: [0x50, 0x4B]), !random.once(in: 8) else { return nil }
    // Mostly in place: a byte more moves all that the directory points to.
    let growth = random.once(in: 4) ? max(0, capacity - size) : 0
    return ForgedArchive.repairingChecksums(mutated(bytes, growth: growth))
  }
}
