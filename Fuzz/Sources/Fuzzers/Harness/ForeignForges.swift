// Checksums of other formats, made right again after a mutation. No code of the library's.

import Forge

private func number(_ bytes: [UInt8], _ place: Int, _ width: Int) -> Int? {
  guard place >= 0, place <= bytes.count - width else { return nil }
  return (0..<width).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
}

private func put(_ value: UInt32, _ bytes: inout [UInt8], _ place: Int) {
  guard place >= 0, place <= bytes.count - 4 else { return }
  for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
}

/// ZIP archives, as far as they can be followed.
enum ForgedArchive {
  /// The archive with the CRC-32 of each stored member where it belongs.
  static func repairingChecksums(_ archive: [UInt8]) -> [UInt8] {
    var bytes = archive
    var place = 0
    while place <= bytes.count - 46 {
      // A record of the central directory.
      guard bytes[place] == 0x50, number(bytes, place, 4) == 0x0201_4B50 else {
        place += 1
        continue
      }
      repair(&bytes, place)
      place += 46
    }
    return bytes
  }

  private static func repair(_ bytes: inout [UInt8], _ record: Int) {
    guard number(bytes, record + 10, 2) == 0, let size = number(bytes, record + 20, 4),
      let local = number(bytes, record + 42, 4), number(bytes, local, 4) == 0x0403_4B50,
      let name = number(bytes, local + 26, 2), let extra = number(bytes, local + 28, 2)
    else { return }
    let start = local + 30 + name + extra
    guard start <= bytes.count, size <= bytes.count - start else { return }
    let crc = UInt32(truncatingIfNeeded: bytes.crc32(start..<start + size))
    put(crc, &bytes, record + 16)
    if (number(bytes, local + 6, 2) ?? 0) & 8 == 0 {
      put(crc, &bytes, local + 14)
    } else {
      // A descriptor behind the data, with its signature.
      if number(bytes, start + size, 4) == 0x0807_4B50 { put(crc, &bytes, start + size + 4) }
    }
  }
}

/// Tables of sorted keys, as far as they can be followed.
enum ForgedTable {
  /// The table with the masked CRC-32C behind each of its blocks.
  static func repairingChecksums(_ table: [UInt8]) -> [UInt8] {
    var bytes = table
    guard bytes.count >= 48 else { return bytes }
    var place = bytes.count - 48
    var handles: [Int] = []
    for _ in 0..<4 { handles.append(varint(bytes, &place) ?? -1) }
    if var entry = Optional(handles[2]), entry >= 0 {
      // The index block: each value says where a block is.
      let end = min(bytes.count, entry.addingReportingOverflow(max(0, handles[3])).partialValue)
      while entry < end {
        guard varint(bytes, &entry) != nil, let key = varint(bytes, &entry),
          let value = varint(bytes, &entry), key <= end - entry, value <= end - entry - key
        else { break }
        var handle = entry + key
        let next = handle + value
        if let offset = varint(bytes, &handle), let count = varint(bytes, &handle) {
          repair(&bytes, offset, count)
        }
        entry = next
      }
    }
    repair(&bytes, handles[0], handles[1])
    repair(&bytes, handles[2], handles[3])
    return bytes
  }

  private static func varint(_ bytes: [UInt8], _ place: inout Int) -> Int? {
    var value = 0
    for shift in stride(from: 0, to: 49, by: 7) {
      guard place >= 0, place < bytes.count else { return nil }
      let byte = bytes[place]
      place += 1
      value |= Int(byte & 127) << shift
      if byte < 128 { return value }
    }
    return nil
  }

  private static func repair(_ bytes: inout [UInt8], _ offset: Int, _ count: Int) {
    guard offset >= 0, count >= 0, count <= bytes.count, offset <= bytes.count - count - 5 else {
      return
    }
    var crc: UInt32 = .max
    for byte in bytes[offset...offset + count] {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }
    crc = ~crc
    put((crc >> 15 | crc << 17) &+ 0xA282_EAD8, &bytes, offset + count + 1)
  }
}
