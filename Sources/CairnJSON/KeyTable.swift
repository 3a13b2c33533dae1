// The hash table that finds a key in a large object.
//
// Open addressing with linear probing, at most half full. A slot keeps 32 bits of the hash, so that
// growing needs no key and a probe compares hardly any key in vain; `Dictionary` would hold each key
// a second time and took twice as long to fill.

/// A map from the hashes of keys to their positions in an object. The object holds the keys.
struct KeyTable: Sendable {
  private struct Slot {
    var hash: UInt32 = 0
    /// The position plus one; 0 if the slot is empty.
    var ordinal: UInt32 = 0
  }

  /// The slots, a power of two of them, or none.
  private var slots: [Slot] = []

  /// Whether no key was ever inserted.
  var isEmpty: Bool { slots.isEmpty }

  /// The hash of a key's bytes, with the seed that Swift draws for each process.
  static func hash(_ key: String) -> UInt32 {
    var hasher = Hasher()
    key.hashBytes(into: &hasher)
    return UInt32(truncatingIfNeeded: hasher.finalize())
  }

  /// The position of the key with this hash for which `isKey` holds, or nil.
  func position(hash: UInt32, where isKey: (Int) -> Bool) -> Int? {
    guard !slots.isEmpty else { return nil }
    let mask = slots.count - 1
    var place = Int(hash) & mask
    while slots[place].ordinal != 0 {
      let position = Int(slots[place].ordinal) - 1
      if slots[place].hash == hash, isKey(position) { return position }
      place = (place + 1) & mask
    }
    return nil
  }

  /// Inserts a key that is not present; `position` is also the number of keys inserted before.
  ///
  /// - Precondition: the position is less than 2^32 − 1.
  mutating func insert(hash: UInt32, position: Int) {
    if 2 * (position + 1) > slots.count {
      let old = slots
      slots = Array(repeating: Slot(), count: max(32, 2 * old.count))
      for slot in old where slot.ordinal != 0 { place(slot) }
    }
    place(Slot(hash: hash, ordinal: UInt32(position + 1)))
  }

  private mutating func place(_ slot: Slot) {
    let mask = slots.count - 1
    var place = Int(slot.hash) & mask
    while slots[place].ordinal != 0 { place = (place + 1) & mask }
    slots[place] = slot
  }
}
