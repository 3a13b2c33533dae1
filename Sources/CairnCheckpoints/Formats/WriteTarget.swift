// What all writers have in common: they write a file at a path, or the bytes of one to anywhere.

public import CairnSystem

/// Where a format's writer writes, and what it may leave out.
public struct WriteTarget {
  private enum Place {
    case path(String)
    case sink(any ByteSink)
  }
  private let place: Place
  /// How the file is written.
  public let options: WriteOptions
  /// What may be lost.
  public let losses: AcceptedLosses

  init(path: String, options: WriteOptions, accepting losses: AcceptedLosses) {
    place = .path(path)
    self.options = options
    self.losses = losses
  }

  init(sink: any ByteSink, options: WriteOptions, accepting losses: AcceptedLosses) {
    place = .sink(sink)
    self.options = options
    self.losses = losses
  }

  /// The path, for a format of several files.
  ///
  /// - Throws: `invalidArgument` where the bytes of one file are wanted.
  package func path() throws(CairnError) -> String {
    switch place {
    case .path(let path): return path
    case .sink(let sink):
      throw CairnError(
        .invalidArgument, "the format is several files, which have to lie in a folder",
        at: .init(file: sink.path), advice: "Give a path, or choose a format of one file")
    }
  }

  /// The sink to write to. For a path it is new: a file that is there is untouched until it is
  /// committed.
  package func open() throws(CairnError) -> any ByteSink {
    switch place {
    case .path(let path): return try options.file(at: path)
    case .sink(let sink): return sink
    }
  }

  /// Writes one file, all or nothing: the one that was there is untouched until the new one is whole.
  ///
  /// - Returns: The bytes of the file.
  /// - Throws: what `body` throws; `alreadyExists`, `notARegularFile`, `permissionDenied`, `noSpace`,
  ///   `inputOutput`.
  public func write(
    _ body: (any ByteSink) throws(CairnError) -> Void
  ) throws(CairnError) -> Int {
    let sink = CountingSink(try open())
    do throws(CairnError) {
      try body(sink)
      try sink.commit()
    } catch {
      sink.discard()
      throw error
    }
    return sink.count
  }
}

/// Counts what another sink takes.
private final class CountingSink: ByteSink {
  private let base: any ByteSink
  private(set) var count = 0

  init(_ base: any ByteSink) { self.base = base }

  var path: String? { base.path }

  func append(_ bytes: Span<UInt8>) throws(CairnError) {
    try base.append(bytes)
    count = count.addingSaturated(bytes.count)
  }

  func commit() throws(CairnError) { try base.commit() }
  func discard() { base.discard() }
}
