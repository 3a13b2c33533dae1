// Who wrote a file.

import CairnSystem

extension ContainerWriter {
  /// What this library calls itself in the files it writes.
  package static let generator = "cairn \(cairnVersion)"
}
