// Copying, comparing and hashing spans.

import CairnSystem
import Testing

@Suite struct ByteCopyTests {
  @Test func `a copy lands where it should and nowhere else`() {
    var bytes: [UInt8] = [0, 0, 0, 0, 0]
    let (two, none): ([UInt8], [UInt8]) = ([7, 8], [])
    var span = bytes.mutableSpan
    span.copy(two.span, at: 2)
    span.copy(none.span, at: 5)
    #expect(bytes == [0, 0, 7, 8, 0])
  }

  @Test func `spans are equal if their bytes are`() {
    func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { left.span.isEqual(to: right.span) }
    #expect(areEqual([1, 2, 3], [1, 2, 3]))
    #expect(!areEqual([1, 2, 3], [1, 2, 4]))
    #expect(!areEqual([1, 2, 3], [1, 2]))
    #expect(areEqual([], []))
  }

  @Test func `an array of a span has its bytes`() {
    let bytes: [UInt8] = [1, 2, 3]
    let copy = bytes.span.array
    #expect(copy == bytes)
  }
}

@Suite struct CairnErrorTests {
  @Test func `the description says where, what, expected, found, code and advice`() {
    let error = CairnError(
      .invalidArgument, "it is wrong",
      at: .init(file: "f", offset: 8, name: "kernel", index: 3), expected: "1", found: "2",
      advice: "Mend it")
    #expect(
      error.description
        == "f: ‘kernel’: it is wrong (index 3) at byte 8; expected 1, found 2 [invalidArgument]. Mend it"
    )
  }

  @Test func `locating an error keeps what was known`() {
    let error = CairnError(.notFound, "gone", at: .init(name: "inner")).located(
      file: "f", name: "outer", index: 4)
    #expect(error.location == .init(file: "f", name: "inner", index: 4))
  }
}
