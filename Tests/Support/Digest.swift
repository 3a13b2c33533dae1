// SHA-256 as fixtures and manifests spell it.

internal import CairnSystem
internal import Crypto

/// The SHA-256 of `bytes` in lower-case hexadecimal.
package func sha256(_ bytes: [UInt8]) -> String {
  SHA256.hash(data: bytes).map { hex($0, digits: 2) }.joined()
}
