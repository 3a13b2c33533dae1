// // Members of an archive that are not tensors.

import CairnCheckpoints
import CairnSystem
import CairnTensors

extension ZipArchive {
  /// Members as blobs.
  ///
  /// - Parameter check: Runs before any of them is read.
  func blobs(
    _ members: [(name: TensorName, member: ZipMember)],
    checking check: @escaping @Sendable () throws(CairnError) -> Void = { () throws(CairnError) in }
  ) -> Blobs {
    Blobs(
      entries: { () throws(CairnError) in
        members.map { BlobEntry(name: $0.name, byteCount: $0.member.byteCount) }
      },
      reading: { () throws(CairnError) in
        try check()
        return try members.map { (other) throws(CairnError) in
          Blob(name: other.name, bytes: try bytes(of: other.member))
        }
      })
  }
}
