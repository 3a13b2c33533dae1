// Keras `layers/preprocessing/image_preprocessing`: what its layers do to pictures in inference.

import CairnJSON
import CairnSystem
import CairnTensors

/// Pictures of another height and width; Keras's `Resizing`. No variables.
///
/// Input: `(n, h, w, c)`, or `(n, c, h, w)` with channels first; or one picture alone.
package final class Resizing: PictureLayer, ConfiguredLayer {
  static let kind = LayerKind("Resizing")

  let core: LayerState
  let resize: PictureResize

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    let size = try PictureResize.size(reading: &reader)
    let interpolation: Interpolation = try reader.choice("interpolation", default: .bilinear)
    let crops = try reader.bool("crop_to_aspect_ratio", default: false)
    let pads = try reader.bool("pad_to_aspect_ratio", default: false)
    guard try reader.string("fill_mode", default: "constant").isSpelt(as: "constant"),
      !(crops && pads)
    else { throw reader.unsupported("fill_mode", "pictures are filled with a constant only") }
    let fill = try reader.double("fill_value", default: 0)
    let antialias = try reader.bool("antialias", default: false)
    resize = PictureResize(
      size: size, interpolation: interpolation,
      shape: crops ? .cropped : pads ? .padded(fill) : .free,
      antialiases: antialias, dataFormat: try reader.dataFormat())
    reader.keep("bounding_box_format", "factor")
    core = try reader.layerState(className: Self.className)
  }

  /// The picture in its new size.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    _ = try context.shape(outputShape(for: BatchShape(input.shape)))
    return try resize(input, in: context)
  }
}

/// The middle of pictures; Keras's `CenterCrop`. A picture that is too small is cut to the
/// proportions and enlarged. No variables.
package final class CenterCrop: PictureLayer, ConfiguredLayer {
  static let kind = LayerKind("CenterCrop")

  let core: LayerState
  let resize: PictureResize

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    resize = try PictureResize(cropping: &reader)
    reader.keep("bounding_box_format", "factor")
    core = try reader.layerState(className: Self.className)
  }

  /// The middle.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    let axes = resize.axes(rank: input.rank)
    guard zip(axes, resize.size).allSatisfy({ input.shape[$0] >= $1 }) else {
      return try resize(input, in: context)
    }
    var places = shape.dimensions.map { Array(0..<$0) }
    for (axis, size) in zip(axes, resize.size) {
      let start = (input.shape[axis] - size) / 2
      places[axis] = Array(start..<start + size)
    }
    return try input.gathered(places, in: context)
  }
}

/// Parts of pictures in training; Keras's `RandomCrop`. In inference, pictures are brought to the
/// size as by a ``Resizing`` that keeps the proportions; Keras from 3.8 on leaves them as they are.
/// No variables.
package final class RandomCrop: PictureLayer, ConfiguredLayer {
  static let kind = LayerKind("RandomCrop")

  let core: LayerState
  let resize: PictureResize

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    resize = try PictureResize(cropping: &reader)
    reader.keep("bounding_box_format", "factor", "seed")
    core = try reader.layerState(className: Self.className)
  }

  /// The picture, brought to the size of a part if the version of Keras that wrote the model does
  /// that.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try outputShape(for: BatchShape(input.shape))
    guard state.version < KerasVersion(3, 8) else { return input }
    _ = try context.shape(shape)
    return try resize(input, in: context)
  }
}

/// A layer whose output has a given height and width. Keras states this shape for ``RandomCrop``
/// too, whatever comes out in inference.
protocol PictureLayer: OneInputLayer {
  var resize: PictureResize { get }
}

extension PictureLayer {
  /// The height and width.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try resize.outputShape(for: input, self)
  }
}

extension ConfigurationReader {
  /// Keeps the values of keys that change nothing in inference, where they are there.
  mutating func keep(_ keys: String...) {
    for key in keys where has(key) { record(key, take(key) ?? .null) }
  }
}

/// How pictures are brought to another size.
struct PictureResize: Sendable {
  /// What becomes of the proportions.
  enum Proportions: Sendable {
    /// They follow the size.
    case free
    /// The excess is first cut off on both sides.
    case cropped
    /// The missing part is first filled on both sides.
    case padded(Double)
  }
  /// Height and width.
  let size: [Int]
  let interpolation: Interpolation
  let shape: Proportions
  let antialiases: Bool
  let dataFormat: DataFormat

  /// The dimensions of height and width.
  func axes(rank: Int) -> [Int] {
    dataFormat == .channelsFirst ? [rank - 2, rank - 1] : [rank - 3, rank - 2]
  }

  func outputShape(for input: BatchShape, _ layer: any Layer) throws(CairnError) -> BatchShape {
    guard (3...4).contains(input.rank) else {
      throw layer.shapeMismatch(expected: "pictures, of four dimensions or three", found: input)
    }
    var dimensions = input.dimensions
    for (axis, length) in zip(axes(rank: input.rank), size) { dimensions[axis] = length }
    return try BatchShape(dimensions)
  }

  func callAsFunction(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let axes = axes(rank: input.rank)
    guard axes.allSatisfy({ input.shape[$0] > 0 }) else {
      throw CairnError(.shapeMismatch, "a picture without places cannot be enlarged")
    }
    return try Precision(for: input.dtype).run(
      Work(resize: self, picture: framed(input, axes, in: context), axes: axes, context: context))
  }

  private struct Work: FloatWork {
    let resize: PictureResize
    let picture: Tensor
    let axes: [Int]
    let context: EvaluationContext

    func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
      var array = try FloatArray<Scalar>(picture)
      for (axis, length) in zip(axes, resize.size) {
        var next = array.shape
        next[axis] = length
        _ = try context.shape(next)
        array = resize.interpolation.resized(
          array, axis: axis, to: length, antialiases: resize.antialiases)
      }
      return try array.tensor()
    }
  }

  /// The picture, cut or padded to the proportions of the size.
  private func framed(
    _ input: Tensor, _ axes: [Int], in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let (height, width) = (input.shape[axes[0]], input.shape[axes[1]])
    let fit = [
      Int(Double(width) * Double(size[0]) / Double(size[1])),
      Int(Double(height) * Double(size[1]) / Double(size[0])),
    ]
    var places = input.shape.dimensions.map { Array(0..<$0) }
    switch shape {
    case .free: return input
    case .cropped:
      for (axis, length) in zip(axes, fit) {
        let whole = input.shape[axis]
        let part = max(min(whole, length), 1)
        let start = (whole - part) / 2
        places[axis] = Array(start..<start + part)
      }
      return try input.gathered(places, in: context)
    case .padded(let fill):
      var padded = input.shape.dimensions
      for (axis, length) in zip(axes, fit) { padded[axis] = max(input.shape[axis], length) }
      _ = try context.shape(padded)
      for axis in axes {
        let (whole, start) = (input.shape[axis], (padded[axis] - input.shape[axis]) / 2)
        places[axis] = (0..<padded[axis]).map {
          (start..<start + whole).contains($0) ? $0 - start : -1
        }
      }
      let frame = try input.gathered(places, in: context)
      guard fill != 0 else { return frame }
      let whole = try Tensor(repeating: true, shape: input.shape).gathered(places, in: context)
      return try WhereRule().evaluate(
        CallArguments([
          .tensor(MaskedTensor(whole)), .tensor(MaskedTensor(frame)), .value(.double(fill)),
        ]), to: TensorSpec(BatchShape(frame.shape), dtype: frame.dtype), in: context)
    }
  }
}

extension PictureResize {
  /// The settings of layers that cut off the excess.
  init(cropping reader: inout ConfigurationReader) throws(CairnError) {
    self.init(
      size: try Self.size(reading: &reader), interpolation: .bilinear, shape: .cropped,
      antialiases: false, dataFormat: try reader.dataFormat())
  }

  /// Height and width.
  static func size(reading reader: inout ConfigurationReader) throws(CairnError) -> [Int] {
    let range = 1...ConfigurationReader.greatestExtent
    return [try reader.integer("height", in: range), try reader.integer("width", in: range)]
  }
}

/// A Keras layer that changes its input in training only: `RandomFlip` and the like. In inference
/// it returns pictures as they are. No variables.
package final class TrainingOnlyLayer: PassThroughLayer {
  static let kind = LayerKind("TrainingOnlyLayer", needsShape: false)
  /// The classes.
  static let classNames = [
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
    "RandomBrightness", "RandomShear", "RandomHue", "RandomSaturation", "RandomSharpness",
    "RandomPosterization", "RandomGrayscale", "RandomInvert", "RandomErasing", "RandomColorJitter",
    "RandomColorDegeneration", "RandomGaussianBlur", "RandomPerspective", "RandomElasticTransform",
    "RandomApply", "AugMix", "RandAugment", "MixUp", "CutMix", "StochasticDepth",
  ]

  let core: LayerState
  private let ownClass: String

  init(_ kind: String, reading reader: inout ConfigurationReader) throws(CairnError) {
    ownClass = kind
    // Keys that only training uses are kept as they are.
    for key in reader.raw.map(\.key) where !Self.commonKeys.contains(key) {
      reader.record(key, reader.take(key) ?? .null)
    }
    core = try reader.layerState(className: kind)
  }

  private static let commonKeys = ["name", "trainable", "dtype", "activity_regularizer"]

  /// The class's name in Keras.
  var ownKind: LayerKind { LayerKind(ownClass, needsShape: false) }
}
