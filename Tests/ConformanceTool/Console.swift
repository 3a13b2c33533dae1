// Standard output and standard error.

import Foundation

enum Console {
  /// Prints a line, if there is one.
  static func say(_ line: String?) {
    guard let line else { return }
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }

  static func complain(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
