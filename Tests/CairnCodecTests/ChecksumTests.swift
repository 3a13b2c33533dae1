// CRC-32 and Adler-32 against published values.

import CairnCodec
import Testing

@Suite("Checksums")
struct ChecksumTests {
  /// The check value of CRC-32/ISO-HDLC in the catalogue of CRCs, and values of Python's binascii.
  @Test(
    "CRC-32 has the published values",
    arguments: [
      ("", 0x0000_0000), ("a", 0xE8B7_BE43), ("123456789", 0xCBF4_3926),
      ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
    ] as [(String, UInt32)])
  func crc32(text: String, expected: UInt32) {
    #expect(Checksum.crc32(Array(text.utf8).span) == expected)
  }

  @Test(
    "Adler-32 has the published values",
    arguments: [
      ("", 0x0000_0001), ("a", 0x0062_0062), ("Wikipedia", 0x11E6_0398), ("123456789", 0x091E_01DE),
    ] as [(String, UInt32)])
  func adler32(text: String, expected: UInt32) {
    #expect(Checksum.adler32(Array(text.utf8).span) == expected)
  }

  @Test("A checksum continued over pieces is that of the whole", arguments: [0, 1, 5, 999, 1000])
  func continuing(cut: Int) {
    let bytes = SampleData.noise.bytes(1000)
    let (head, tail) = (Array(bytes[..<cut]), Array(bytes[cut...]))
    #expect(
      Checksum.crc32(tail.span, continuing: Checksum.crc32(head.span)) == Checksum.crc32(bytes.span)
    )
    #expect(
      Checksum.adler32(tail.span, continuing: Checksum.adler32(head.span))
        == Checksum.adler32(bytes.span))
  }
}
