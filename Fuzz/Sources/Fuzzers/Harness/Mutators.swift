// How the next input is made of one before, where more than one target does it so.

import CFuzzing
import Forge

/// `bytes` as libFuzzer changes them, by at most `growth` bytes longer.
func mutated(_ bytes: [UInt8], growth: Int) -> [UInt8] {
  let count = bytes.count
  var buffer = bytes + [UInt8](repeating: 0, count: max(growth, count == 0 ? 1 : 0))
  let length = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
    unsafe cairn_mutate(buffer.baseAddress, count, buffer.count)
  }
  buffer.removeLast(buffer.count - length)
  return buffer
}

/// Changes containers in one place, with checksums repaired, and mostly the payloads of frames of
/// the types in `focus`.
func containerMutator(focus: Set<String> = []) -> FuzzTarget.Mutator {
  { bytes, capacity, random in
    var mutator = ContainerMutator(random, capacity: capacity, focus: focus)
    return mutator.change(bytes)
  }
}

/// Changes ZIP archives, mostly with their checksums repaired; other files are left to libFuzzer.
@Sendable func changedArchive(
  _ bytes: [UInt8], _ capacity: Int, _ random: inout SeededNumbers
) -> [UInt8]? {
  guard bytes.starts(with: [0x50, 0x4B]), !random.once(in: 8) else { return nil }
  // Mostly in place: a byte more moves all that the directory points to.
  let growth = random.once(in: 4) ? max(0, capacity - bytes.count) : 0
  return ForgedArchive.repairingChecksums(mutated(bytes, growth: growth))
}
