// The ways in to a file's bytes.

import Cairn
import CairnSystem
import Forge

/// `bytes` as a source of one of the kinds that readers know, chosen by their sum: in memory that may
/// be written, read from a file, mapped from a file, or from a caller's own source.
func source(_ bytes: [UInt8]) throws(CairnError) -> any ByteSource {
  switch bytes.reduce(UInt8(0), ^) & 7 {
  case 0: try FileBytes(path: fileInMemory(bytes), access: .positioned)
  case 1, 2: try FileBytes(path: fileInMemory(bytes), access: .mapped)
  case 3, 4: PositionedBytes(bytes: bytes)
  default: try MemoryBytes(bytes)
  }
}
