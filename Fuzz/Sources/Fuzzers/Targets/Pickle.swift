// The pickle of a PyTorch checkpoint alone: the input is the program, in an archive of two storages
// around it. What it builds is flattened, listed, read and converted.

import Cairn
import Forge

/// An archive of members that are stored, without checksums, as PyTorch writes them if asked.
private func archive(_ members: [(name: String, content: [UInt8])]) -> [UInt8] {
  ZipForge(
    members: members.map {
      var member = ForgedMember($0.name, $0.content)
      member.crc = 0
      return member
    }
  ).bytes
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

extension FuzzTarget {
  static let pickle = FuzzTarget("pickle", check)
}
