// Images that a classifier has never seen, with their labels and Keras's predictions for them.

import CairnCheckpoints
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTerminal

/// The fixture `images.safetensors`. Fixtures/README.md, section "digits".
struct HeldOutDigits {
  /// float32, `[count, 8, 8]`, from 0 to 1.
  let images: Tensor
  /// The digit that each image shows.
  let labels: [Int]
  /// Keras's probabilities, float32, `[count, 10]`.
  let kerasPredictions: Tensor
  /// How many of the images Keras gets right, as the fixture's metadata says.
  let kerasCorrect: Int
  /// The version of Keras.
  let kerasVersion: String

  var count: Int { labels.count }

  init(path: String) throws(CairnError) {
    let file = try SafetensorsFile(path: path)
    images = try file.tensor(named: "images")
    labels = try file.tensor(named: "labels").scalars(of: Int64.self).map { Int($0) }
    kerasPredictions = try file.tensor(named: "predictions")
    guard case .string(let version) = file.metadata["keras_version"],
      case .string(let correct) = file.metadata["correct"], let correct = Int(correct),
      images.rank == 3, images.shape[0] == labels.count, !labels.isEmpty,
      kerasPredictions.rank == 2, kerasPredictions.shape[0] == labels.count
    else {
      throw CairnError(
        .invalidFixture, "the held-out digits are not as Fixtures/README.md says",
        at: .init(file: path), advice: "Make them again with Fixtures/scripts/make_all.sh")
    }
    kerasVersion = version
    kerasCorrect = correct
  }

  /// The most probable digit for each image, and its probability.
  func answers(
    _ predictions: Tensor
  ) throws(CairnError) -> [(digit: Int, probability: Float)] {
    let classes = predictions.shape[1]
    let values = try predictions.scalars(of: Float.self)
    return labels.indices.map { image in
      var best = (digit: 0, probability: -Float.infinity)
      for digit in 0..<classes where values[image * classes + digit] > best.probability {
        best = (digit, values[image * classes + digit])
      }
      return best
    }
  }

  /// How many images the predictions get right.
  func correct(_ predictions: Tensor) throws(CairnError) -> Int {
    zip(try answers(predictions), labels).count { $0.digit == $1 }
  }

  /// `352 of 360` and `97.78 %`.
  func score(_ correct: Int) -> [String] {
    ["\(correct) of \(count)", ByteCount.percent(correct, of: count)]
  }
}

extension CairnError.Code {
  /// A file of `Fixtures/` is not what its documentation says.
  static let invalidFixture = Self("invalidFixture")
}
