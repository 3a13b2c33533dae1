// Two sources that must have the same content.

import Cairn

/// Ends the run unless both sources have the same tensors under the same names, in the same order of
/// weights, and the same metadata, configuration and blobs.
func expectSame(_ one: any TensorSource, _ other: any TensorSource, _ what: String) {
  guard one.count == other.count else { fail("\(what): another number of tensors") }
  guard one.metadata == other.metadata else { fail("\(what): other metadata") }
  guard one.configuration == other.configuration else { fail("\(what): another configuration") }
  promised(what) { () throws(CairnError) in
    guard try one.blobs == other.blobs else { fail("\(what): other blobs") }
    for index in 0..<one.count {
      let entry = try one.entry(at: index)
      guard let place = try other.index(of: entry.name) else {
        fail("\(what): ‘\(entry.name)’ is missing")
      }
      let twin = try other.entry(at: place)
      guard entry.dtype == twin.dtype, entry.shape == twin.shape, entry.position == twin.position,
        try one.tensor(at: index) == other.tensor(at: place)
      else { fail("\(what): ‘\(entry.name)’ is another tensor") }
    }
  }
}
