// The pickle of a PyTorch checkpoint alone: the input is the program, in an archive of two storages
// around it. What it builds is flattened, listed, read and converted.

import Cairn
import FuzzHarness

/// An archive of members that are stored, without checksums, as PyTorch writes them if asked.
private func archive(_ members: [(name: String, content: [UInt8])]) -> [UInt8] {
  func field(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var bytes: [UInt8] = []
  var directory: [UInt8] = []
  for (name, content) in members {
    let start = bytes.count
    // Version, flags, method, time and date; CRC-32 of 0; sizes; lengths of name and extra field.
    let common =
      field(20, 2) + field(0, 2) + field(0, 2) + field(0, 4) + field(0, 4)
      + field(content.count, 4) + field(content.count, 4) + field(name.utf8.count, 2) + field(0, 2)
    bytes += [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + content
    directory +=
      [0x50, 0x4B, 1, 2] + field(20, 2) + common + field(0, 2) + field(0, 2) + field(0, 2)
      + field(0, 4) + field(start, 4) + Array(name.utf8)
  }
  let place = bytes.count
  return bytes + directory + [0x50, 0x4B, 5, 6] + field(0, 4) + field(members.count, 2)
    + field(members.count, 2) + field(directory.count, 4) + field(place, 4) + field(0, 2)
}

private func check(_ program: [UInt8]) throws(CairnError) {
  let numbers = (0..<64).map { UInt8($0) }
  let bytes = archive([
    ("m/data.pkl", program), ("m/version", [0x33, 0x0A]), ("m/data/0", numbers),
    ("m/data/1", numbers.reversed()),
  ])
  let path = fileInMemory(bytes)
  let file = try CheckpointFile.open(path, format: .pytorch, options: .fuzzing(bytes))
  // Whatever was not made has a path that can be shown, and a class.
  for item in file.opaqueItems where item.path.isEmpty || item.type.isEmpty {
    fail("an opaque item has no path or no type")
  }
  try checkCheckpoint(at: fileInMemory(bytes), .pytorch, bytes)
}

/// libFuzzer: one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe run(start, count, check)
}
