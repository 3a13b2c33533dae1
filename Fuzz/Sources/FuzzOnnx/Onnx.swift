// An ONNX model: opened, read, checked, converted.

import Cairn
import FuzzHarness

private func check(_ bytes: [UInt8]) throws(CairnError) {
  try checkCheckpoint(at: fileInMemory(bytes), .onnx, bytes)
}

/// libFuzzer: one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe run(start, count, check)
}
