// Archives put together field by field, so that any field can be wrong.

/// A member of an archive that is being forged; what is nil is what an honest writer would write.
package struct ForgedMember {
  package var name: String
  package var data: [UInt8]
  package var method: UInt16 = 0
  package var flags: UInt16 = 0
  package var localName: String?
  package var localMethod: UInt16?
  package var localFlags: UInt16?
  package var localCRC: UInt32?
  package var localSize: UInt32?
  package var crc: UInt32?
  package var size: UInt32?
  package var storedSize: UInt32?
  package var offset: UInt32?
  package var extra: [UInt8] = []
  package var disk: UInt16 = 0

  package init(_ name: String, _ data: [UInt8]) {
    self.name = name
    self.data = data
  }
}

/// An archive that is being forged.
package struct ZipForge {
  package var members: [ForgedMember]
  package var count: UInt16?
  package var directoryOffset: UInt32?
  package var comment: [UInt8] = []
  package var behind: [UInt8] = []
  package var between: [UInt8] = []

  package init(members: [ForgedMember]) { self.members = members }

  /// Little-endian bytes.
  package static func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T(8 * $0)) }
  }

  package var bytes: [UInt8] {
    var out: [UInt8] = []
    var directory: [UInt8] = []
    let le16 = { (value: UInt16) in Self.le(value) }
    let le32 = { (value: UInt32) in Self.le(value) }
    for member in members {
      let start = UInt32(out.count)
      let crc = member.crc ?? UInt32(truncatingIfNeeded: member.data.crc32(0..<member.data.count))
      let stored = member.storedSize ?? UInt32(member.data.count)
      let size = member.size ?? UInt32(member.data.count)
      let local = Array((member.localName ?? member.name).utf8)
      out += le32(0x0403_4B50) + le16(20) + le16(member.localFlags ?? member.flags)
      out += le16(member.localMethod ?? member.method) + le32(0x0021_0000)
      out += le32(member.localCRC ?? crc) + le32(member.localSize ?? stored)
      out += le32(member.localSize ?? size) + le16(UInt16(local.count)) + le16(0) + local
      out += member.data
      let name = Array(member.name.utf8)
      directory += le32(0x0201_4B50) + le16(20) + le16(20) + le16(member.flags)
      directory += le16(member.method) + le32(0x0021_0000) + le32(crc) + le32(stored) + le32(size)
      directory += le16(UInt16(name.count)) + le16(UInt16(member.extra.count)) + le16(0)
      directory += le16(member.disk) + le16(0) + le32(0) + le32(member.offset ?? start)
      directory += name + member.extra
    }
    let offset = directoryOffset ?? UInt32(out.count)
    let number = count ?? UInt16(members.count)
    out += directory + between + le32(0x0605_4B50) + le16(0) + le16(0) + le16(number) + le16(number)
    out += le32(UInt32(directory.count)) + le32(offset) + le16(UInt16(comment.count)) + comment
    return out + behind
  }
}
