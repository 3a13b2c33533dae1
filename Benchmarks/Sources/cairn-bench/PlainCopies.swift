// What the machine can do at best: all tensors' bytes copied into one block by `memcpy`.
//
// The only file here with unsafe code. A block has `byteCount` bytes from `base` on, from its
// making until `deinit`.

import CMeasure
import Cairn
import Glibc

/// A block of fresh pages, released in the end.
@safe final class FreshPages {
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int

  init(byteCount: Int, huge: Bool) throws(CairnError) {
    guard let pages = unsafe cm_fresh_pages(byteCount, huge ? 1 : 0) else {
      throw CairnError(.outOfMemory, "the system has no block of \(byteCount) bytes to give")
    }
    unsafe base = pages
    self.byteCount = byteCount
  }

  deinit { unsafe cm_release_pages(base, byteCount) }

  /// Copies `tensors` one behind the other.
  ///
  /// - Precondition: they fit.
  func fill(with tensors: [Tensor]) {
    var offset = 0
    for tensor in tensors {
      precondition(tensor.byteCount <= byteCount - offset, "copy past the end")
      tensor.withBytes { source in
        // SAFETY: the target's bounds were just checked; the source is a tensor's, not this block.
        unsafe source.withUnsafeBytes { bytes in
          if let from = bytes.baseAddress { unsafe _ = memcpy(base + offset, from, bytes.count) }
        }
      }
      offset += tensor.byteCount
    }
  }
}

extension Tensor {
  /// Whether the elements lie in a map of the file at `path`: not a copy of it.
  func liesInMap(of path: String) -> Bool {
    let addresses = storageIdentity.addresses
    // SAFETY: the string's bytes outlive the call, which does not keep them.
    let answer = unsafe cm_is_mapped(
      UInt64(addresses.lowerBound), UInt64(addresses.count), path)
    return answer == 1
  }
}
