// A PyTorch checkpoint, archive or stream: opened, read, checked, converted.

import Cairn
import FuzzHarness

private func check(_ bytes: [UInt8]) throws(CairnError) {
  try checkCheckpoint(at: fileInMemory(bytes), .pytorch, bytes)
}

/// libFuzzer: one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe run(start, count, check)
}

/// libFuzzer: the next input, from one before; archives mostly with their checksums repaired.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(
  _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32
) -> Int {
  unsafe mutateArchive(data, size, capacity, seed: seed)
}
