// Output: results go to standard output, everything else to standard error.

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

package enum Terminal {
  package enum Stream: Int32 {
    case output = 1
    case error = 2
  }

  /// Whether a person is likely to read the stream while it is written.
  package static func isInteractive(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }

  /// Writes all of `text`. If the reader has gone (a closed pipe), the program ends quietly, as
  /// programs in front of `head` should.
  package static func write(_ text: String, to stream: Stream) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      // SAFETY: the pointer is to the array's own bytes, valid for the call.
      let put = unsafe bytes.withUnsafeBytes { buffer in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
        return unsafe systemWrite(stream.rawValue, rest.baseAddress, rest.count)
      }
      if put < 0 {
        if errno == EINTR { continue }
        if stream == .error { return }
        if errno != EPIPE { write("cairn: cannot write the output\n", to: .error) }
        leave(Exit.failure)
      }
      done += put
    }
  }

  /// Writes a line of results.
  package static func say(_ line: String) { write(line + "\n", to: .output) }

  /// Writes a line about a failure. It is one line, whatever names and paths it quotes.
  package static func complain(_ line: String) {
    ProgressBar.clear()
    write("cairn: \(line.printable)\n", to: .error)
  }
}

/// Lines of results, written several at a time.
package struct LineOutput {
  private var gathered = ""

  package init() {}

  package mutating func append(_ line: String) {
    gathered += line
    gathered += "\n"
    if gathered.utf8.count >= 1 << 16 { flush() }
  }

  /// Writes what is left; must be called at the end.
  package mutating func flush() {
    Terminal.write(gathered, to: .output)
    gathered = ""
  }
}

/// The exit codes of the process.
package enum Exit {
  /// Success, or the same.
  package static let success: Int32 = 0
  /// Different (`diff`) or invalid (`verify`).
  package static let negative: Int32 = 1
  /// Any other failure, a wrong command line included.
  package static let failure: Int32 = 2
}

/// Ends the process.
package func leave(_ code: Int32) -> Never { exit(code) }

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  unsafe write(descriptor, bytes, count)
}
