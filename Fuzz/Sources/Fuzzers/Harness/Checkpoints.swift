// Files of other ecosystems' formats: opened, read, checked and converted.

import CFuzzing
import Cairn
import Forge

/// `bytes` in a file of their own, in memory, until the next call.
func fileInMemory(_ bytes: [UInt8]) -> String {
  unsafe bytes.withUnsafeBufferPointer {
    unsafe String(cString: cairn_file($0.baseAddress, $0.count))
  }
}

/// `bytes` in a file of that name in the process's folder.
func companion(_ name: String, _ bytes: [UInt8]) -> String {
  unsafe bytes.withUnsafeBufferPointer {
    unsafe String(cString: cairn_companion(name, $0.baseAddress, $0.count))
  }
}

/// Does with a checkpoint all that a reader can, and holds a container of what was read against it.
///
/// A view or a deflated member may claim far more than the file holds: what is read at once, or checked
/// element by element, is as much as a caller of modest means would allow.
func checkCheckpoint(
  at path: String, _ format: CheckpointFormat, _ bytes: [UInt8]
) throws(CairnError) {
  var options = ReadOptions.fuzzing(bytes)
  options.access = bytes.reduce(UInt8(0), ^) & 1 == 0 ? .positioned : .mapped
  let file = try CheckpointFile.open(path, format: format, options: options)
  let source = file.source
  let budget = 4 << 20
  var total = 0
  for index in 0..<source.count {
    let entry = promised("an entry") { () throws(CairnError) in try source.entry(at: index) }
    total = total.addingReportingOverflow(max(0, entry.byteCount)).partialValue
    let found = promised("a name") { () throws(CairnError) in try source.index(of: entry.name) }
    if found != index { fail("‘\(entry.name)’ is not where its name leads") }
  }
  _ = promised("what is kept") { () throws(CairnError) in try file.storages() }
  let blobs = refusal { () throws(CairnError) in _ = try source.blobs }
  let refused = refusal { () throws(CairnError) in
    _ = try NamedTensors(reading: source, budget: budget)
  }
  guard total <= budget else { return stopMetering() }
  let invalid = refusal { () throws(CairnError) in try file.verify(.deep) }
  stopMetering()
  guard refused == nil, blobs == nil, invalid == nil else { return }
  let container = promised("a file that was read can be converted") { () throws(CairnError) in
    try Container(Container.encode(source, options: .fuzzing))
  }
  expectSame(source, container, "converted")
}
