// The payload of a frame that is no tensor's: metadata, configuration, blob, notes. The input's
// first byte says which, the rest is the payload, in a container whose checksums are right.

import Cairn
import Forge

private let types = ["META", "CONF", "BLOB", "nOTe", "gENR"]

private func container(_ type: String, _ payload: [UInt8]) throws(CairnError) -> Container {
  var layout = ForgedLayout()
  layout.insert(ForgedFrame(type, payload))
  let file = layout.bytes()
  return try Container(source(file), options: .fuzzing(file))
}

private func check(_ bytes: [UInt8]) throws(CairnError) {
  guard let first = bytes.first else { return }
  let type = types[Int(first) % types.count]
  let payload = Array(bytes.dropFirst())
  let container = try container(type, payload)
  let refused = refusal { () throws(CairnError) in
    _ = try container.blobs
    _ = try container.verify(.structure)
  }
  stopMetering()
  switch type {
  case "META", "BLOB":
    // There is one way to write what they hold, and it is the way it was written.
    if refused == nil, payload != rewritten(type, container) {
      fail("\(type) has another content when it is written anew")
    }
  case "CONF":
    let canonical = rewritten(type, container)
    if (canonical == payload) != (refused == nil) {
      fail("a configuration is refused, or not, against its canonical form")
    }
    checkCanonical(canonical)
  default:
    if (String(validating: payload, as: UTF8.self) == nil) != (refused != nil) {
      fail("a note is refused, or not, against its being UTF-8")
    }
  }
}

/// The payload of the frame of that type when all of `container` is written anew.
private func rewritten(_ type: String, _ container: Container) -> [UInt8] {
  promised("what was read can be written") { () throws(CairnError) in
    let written = try Container.encode(NamedTensors(reading: container), options: .fuzzing)
    var bytes = [UInt8](repeating: 0, count: written.count)
    var span = bytes.mutableSpan
    try written.read(at: 0, into: &span)
    return ForgedLayout(bytes)?.frames.first { $0.type == type }?.payload ?? []
  }
}

private func checkCanonical(_ text: [UInt8]) {
  let again = promised("a canonical configuration") { () throws(CairnError) in
    let container = try container("CONF", text)
    _ = try container.verify(.structure)
    return container
  }
  if rewritten("CONF", again) != text { fail("a canonical form has another canonical form") }
}

extension FuzzTarget {
  static let metadata = FuzzTarget("metadata", check)
}
