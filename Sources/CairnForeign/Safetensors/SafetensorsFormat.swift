// safetensors as one of the formats.

public import CairnCheckpoints
import CairnContainer
import CairnSystem

extension CheckpointFormat {
  /// Hugging Face's safetensors.
  public static let safetensors = CheckpointFormat(
    name: "safetensors", extensions: ["safetensors"],
    lacks: [.ties, .metadataTypes, .configuration, .blobs],
    recognises: { place in
      guard let file = place.file else { return false }
      // A little-endian header length that fits the file, then the header's opening brace.
      let bytes = place.head
      guard bytes.count > 8, bytes[8] == UInt8(ascii: "{") else { return false }
      let length: UInt64 = bytes.span.field(0)
      return length >= 2 && length <= UInt64(file.count - 8)
    },
    open: { (place) throws(CairnError) in try SafetensorsFile(place.openFile()) },
    holdsTies: { (source) throws(CairnError) in try SafetensorsTies.areHeld(of: source) },
    sink: { SafetensorsWriter(target: $0) }
  ).with { $0.namesInFolder = FolderNames.safetensors }
}
