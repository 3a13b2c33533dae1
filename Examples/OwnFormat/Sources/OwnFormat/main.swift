// A format and a source of bytes of one's own, through everything that Cairn does with its own formats:
// opened, converted, compared, verified. Prints what it does; any failure ends it.

import Cairn
import Foundation

let folder = FileManager.default.temporaryDirectory.appending(path: "own-format-\(getpid())")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }
func path(_ name: String) -> String { folder.appending(path: name).path }

let formats = FormatRegistry.standard.adding(.matrices)
let text = "MATRICES\nkernel 2 3\n1 2 3 4 5 6\nbias 1 3\n0.5 -0.25 1e-3\n"
try text.write(toFile: path("a.matrices"), atomically: true, encoding: .utf8)

let original = try formats.open(path("a.matrices"))
print("opened:", original.format.name, original.source.count, "tensors")
try original.verify(.deep)
print("verified")

for name in ["b.cairn", "b.safetensors", "b.matrices"] {
  var sink = try formats.forWriting(name).writer(to: path(name))
  try sink.write(original.source)
  let copy = try formats.open(path(name))
  let report = try compare(original.source, copy.source)
  print("converted to \(copy.format.name):", report.isSame ? "the same" : "different")
  guard report.isSame else { exit(1) }
}

for name in ["a.matrices", "b.cairn", "b.safetensors"] {
  let kept = Array(try Data(contentsOf: URL(filePath: path(name))).reversed())
  let far = try formats.open(Reversed(kept: kept), named: name)
  try far.verify(.deep)
  let report = try compare(original.source, far.source)
  print("from a source of our own, \(far.format.name):", report.isSame ? "the same" : "different")
  guard report.isSame else { exit(1) }
}

let inMemory = try formats.open(original.source.encoded(as: .matrices))
guard try compare(original.source, inMemory.source).isSame else { exit(1) }
print("written to memory and opened")

do {
  _ = try formats.open(Reversed(kept: "MATRICES\na 2 2\n1 2 3".utf8.reversed()))
  exit(1)
} catch {
  print("refused:", error)
}
