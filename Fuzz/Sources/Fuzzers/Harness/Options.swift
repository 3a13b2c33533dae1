// How the fuzzers read.

import Cairn

extension ReadOptions {
  /// One thread, or three for some inputs: chosen by the input, so that a run can be repeated.
  static func fuzzing(_ bytes: [UInt8]) -> ReadOptions {
    var options = ReadOptions()
    options.threads = bytes.reduce(UInt8(0), ^) & 0x18 == 0 ? 3 : 1
    return options
  }
}

extension WriteOptions {
  /// One thread, with digests.
  static var fuzzing: WriteOptions {
    var options = WriteOptions()
    options.threads = 1
    return options
  }
}
