// SHA-256 as fixtures and manifests spell it.

internal import CairnCodec
internal import CairnSystem

/// The SHA-256 of `bytes` in lower-case hexadecimal.
package func sha256(_ bytes: [UInt8]) -> String { SHA256.digest(of: bytes.span).hexDigits }
