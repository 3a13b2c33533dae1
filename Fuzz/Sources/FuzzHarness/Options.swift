// How the fuzzers read.

public import Cairn

extension ReadOptions {
  /// One thread: a run is the same each time, and its memory too.
  public static var fuzzing: ReadOptions {
    var options = ReadOptions()
    options.threads = 1
    return options
  }
}

extension WriteOptions {
  /// One thread, with digests.
  public static var fuzzing: WriteOptions {
    var options = WriteOptions()
    options.threads = 1
    return options
  }
}
