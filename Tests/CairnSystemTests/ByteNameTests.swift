// Keys, paths inside checkpoints and paths of the system, all of which are bytes.

import CairnSystem
import Testing

/// "é" as one scalar and as two: equal as strings, not as bytes.
private let composed = "\u{E9}"
private let decomposed = "e\u{301}"

@Suite struct ByteKeyTests {
  @Test func `Two normal forms of one text are two keys`() {
    #expect(composed == decomposed)
    #expect(ByteKey(composed) != ByteKey(decomposed))
    #expect(Set([ByteKey(composed), ByteKey(decomposed)]).count == 2)
    #expect(ByteKey(decomposed) < ByteKey(composed))
    #expect(!composed.isSpelt(as: decomposed))
  }

  @Test func `Prefixes, suffixes and pieces are found by bytes`() {
    let marked = ByteKey("a/\u{301}b")
    #expect(marked.hasPrefix("a/"))
    #expect(!"a/\u{301}b".hasPrefix("a/"))
    #expect(marked.split(at: "/") == ["a", ByteKey("\u{301}b")])
    #expect(marked.hasSuffix("b"))
    #expect(!ByteKey("b").hasSuffix("ab"))
    #expect(ByteKey("//").split(at: "/") == ["", "", ""])
    #expect("a/\u{301}b".spellingBegins(with: "a/"))
    #expect("x\u{301}.npy".spellingEnds(with: ".npy"))
  }
}

@Suite struct InnerPathTests {
  @Test(arguments: [
    "", "/", "/a", "a//b", "a/", "..", "../a", "a/../b", "a/..", "..\u{2F}\u{301}a", "a\\b",
    "..\\a",
    "a\0b", "C:a", "c:/a", ".", "./.",
  ])
  func `What leads out, or nowhere, is refused`(_ text: String) throws {
    let error = #expect(throws: CairnError.self) { try InnerPath(text) }
    #expect(error?.code == .invalidPath)
  }

  @Test(arguments: [
    ("a", "a"), ("a/b.c", "a/b.c"), ("./a", "a"), ("a/./b", "a/b"), ("...", "..."), ("..a", "..a"),
    ("\u{301}..", "\u{301}.."), ("1:", "1:"),
  ])
  func `What goes down is taken, without components that stay`(_ text: String, _ path: String)
    throws
  {
    #expect(try InnerPath(text).text == path)
  }

  @Test func `A path that is no UTF-8 keeps its bytes`() throws {
    #expect(try InnerPath([0xFF, 0x2F, 0xE9]).bytes == [0xFF, 0x2F, 0xE9])
  }
}

@Suite struct SystemPathTests {
  @Test(arguments: [
    [UInt8]("plain".utf8), [0xFF], [0x61, 0xE9, 0x62], [0xC3, 0xA9], [0xC3], [0xE2, 0x82],
    [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80, 0x2F, 0x81], [0xC2, 0x80],
  ])
  func `All bytes come back`(_ bytes: [UInt8]) {
    #expect(SystemPath.bytes(SystemPath.text(bytes)) == bytes)
  }

  @Test func `Every path of two bytes comes back, and no two are spelt alike`() {
    var seen = Set<ByteKey>()
    for first in UInt8(1)...255 {
      for second in UInt8(1)...255 {
        let text = SystemPath.text([first, second])
        #expect(SystemPath.bytes(text) == [first, second])
        #expect(seen.insert(ByteKey(text)).inserted)
      }
    }
  }

  @Test func `What is UTF-8 is spelt as itself, and shown so`() {
    #expect(SystemPath.text(Array(decomposed.utf8)).isSpelt(as: decomposed))
    #expect(SystemPath.shown("a\u{E9}").isSpelt(as: "a\u{E9}"))
    #expect(SystemPath.shown(SystemPath.text([0x61, 0xE9])) == "a\\xE9")
  }

  @Test(arguments: ["\0", "a\0b", "a\0", "\0\u{7F}", "\0\u{100}"])
  func `A NUL that spells no byte is none of a path`(_ text: String) {
    #expect(SystemPath.bytes(text) == nil)
    #expect(throws: CairnError.self) { try FileBytes(path: text) }
  }

  @Test func `A path is cut at the byte of its last slash`() {
    #expect(SystemPath.split("a/\u{301}b").folder == "a")
    #expect(SystemPath.split("/a").folder == "/")
    #expect(SystemPath.split("a").folder == ".")
    #expect(SystemPath.ends("X.SafeTensors", with: ".safetensors"))
    #expect(!SystemPath.ends("xnsafetensors", with: ".safetensors"))
  }
}
