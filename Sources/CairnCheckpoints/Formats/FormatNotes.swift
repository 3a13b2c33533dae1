// Metadata that are not content but record how a format spelt it, so that converting back gives the
// same file.

package import CairnTensors

/// Keys under which readers note what only a file of their own format can have. Other formats leave them
/// out, and lose nothing.
package enum FormatNotes {
  /// That a safetensors header says of its metadata `null` or `{}`.
  package static let safetensors: TensorName = "cairn.safetensors_metadata"
  /// The order and the types of GGUF's key-values (``GGUFLayout``).
  package static let gguf: TensorName = "cairn.gguf_layout"

  package static let keys: Set<TensorName> = [safetensors, gguf]

  /// Metadata of one note.
  package static func metadata(_ key: TensorName, _ text: String) -> Metadata {
    var metadata = Metadata()
    metadata[key] = .string(text)
    return metadata
  }
}
