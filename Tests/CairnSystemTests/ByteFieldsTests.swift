// Fields into bytes and out of them.

import CairnSystem
import Testing

@Suite struct ByteFieldsTests {
  @Test func `Fields are put together with the least significant byte first`() {
    var fields = ByteBuilder([0xAA])
    fields.append(UInt8(1))
    fields.append(UInt16(0x0302))
    fields.append(UInt32(0x0706_0504))
    fields.append(UInt64(0x0F0E_0D0C_0B0A_0908))
    #expect(fields.bytes == [0xAA] + Array(1...15))
    fields.align(to: 8)
    #expect(fields.bytes.count == 16)
    fields.align(to: 8)
    #expect(fields.bytes.count == 16)

    var bytes: [UInt8] = []
    bytes.append(littleEndian: 0x0605_0403_0201, width: 3)
    bytes.append(littleEndian: .max, width: 9)
    #expect(bytes == [1, 2, 3] + [UInt8](repeating: 0xFF, count: 8))
    #expect(UInt32(0x0403_0201).littleEndianBytes == [1, 2, 3, 4])
    #expect(UInt64(1).littleEndianBytes == [1, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test func `Fields of a span are read at any offset`() {
    let bytes: [UInt8] = Array(1...9)
    #expect(bytes.span.field(1, as: UInt16.self) == 0x0302)
    #expect(bytes.span.field(1, as: UInt64.self) == 0x0908_0706_0504_0302)
    #expect(bytes.span.number(at: 6, width: 3) == 0x0908_07)
    #expect(bytes.span.number(at: 9, width: 0) == 0)
  }

  @Test func `A cursor over a source moves on, and stops at its end`() throws {
    // More than the cursor's buffer, so that fields lie across its edge.
    let bytes = (0..<100_003).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var cursor = ByteCursor(try MemoryBytes(bytes), in: 1..<100_003)
    var place = 1
    while cursor.remaining >= 8 {
      let value: UInt64 = try cursor.integer()
      #expect(value == bytes.span.number(at: place, width: 8))
      place += 8
    }
    #expect(cursor.position == place)
    let left = cursor.remaining
    let error = #expect(throws: CairnError.self) { _ = try cursor.integer(UInt64.self) }
    #expect(error?.code == .truncated)
    #expect(error?.location.offset == UInt64(place))
    #expect(error?.found == "\(left)")
    // What could not be read was not taken.
    #expect(try cursor.bytes(left) == Array(bytes[place...]))
    #expect(cursor.isAtEnd)
    #expect(try cursor.peek() == nil)
    #expect(throws: CairnError.self) { _ = try cursor.bytes(-1) }
  }

  @Test func `A cursor over bytes that were read says where they lie, with an error of its own`() {
    var cursor = ByteCursor([1, 2, 3], at: 1_000, code: .invalidArgument)
    let error = #expect(throws: CairnError.self) {
      _ = try cursor.byte()
      _ = try cursor.integer(UInt32.self)
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.location.offset == 1_001)
    #expect(error?.expected == "4 bytes" && error?.found == "2")
  }
}
