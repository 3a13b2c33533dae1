// What the values of a pickle take in memory is what they are charged.

import CairnSystem
import Testing

@testable import CairnForeign

@Suite struct PickleMemoryTests {
  static let programs = [
    PickleProgram("of one item", "(", again: "(Nt", count: 1_000),
    PickleProgram("of tuples", String(repeating: "(", count: 1_000), again: "t", count: 999),
    PickleProgram("from a high stack", "", again: emptied + "t", count: 100),
    PickleProgram("lists from a high stack", "", again: emptied + "l", count: 100),
  ]
  /// A mark, a thousand values above it, and all but one of them taken away again.
  private static let emptied =
    "(" + String(repeating: "N", count: 1_000) + String(repeating: "0", count: 999)

  @Test(arguments: programs)
  func `A container has no more room than it needs`(program: PickleProgram) throws {
    var content = PickleContent<TorchPickle>(Budget(bytes: 1 << 24, for: "the pickle"))
    // The last opcode ends the pickle, whatever else is on the stack.
    var reader = ByteCursor(try MemoryBytes(program.bytes + Array("N.".utf8)))
    _ = try Unpickler.run(&reader, in: &content)
    #expect(content.nodes.count > 90)
    // The block of an array is rounded up, at most to twice what was asked for.
    #expect(content.nodes.allSatisfy { $0.capacity <= max(4, 2 * $0.count) })
  }
}
