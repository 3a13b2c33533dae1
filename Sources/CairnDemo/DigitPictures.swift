// Small grey images as text.

import CairnSystem
import CairnTensors

struct DigitPictures {
  private let pixels: [Float]
  private let height: Int
  private let width: Int
  /// Shades from black to white. Two characters are about as wide as a line of a terminal is high,
  /// so they make a square pixel.
  private static let shades = ["  ", "░░", "▒▒", "▓▓", "██"]
  private static let gap = 6

  /// Pictures of `[count, height, width]` pixels from 0 to 1.
  init(_ images: Tensor) throws(CairnError) {
    pixels = try images.scalars(of: Float.self)
    height = images.shape[1]
    width = images.shape[2]
  }

  /// The pictures at those indices side by side, each with its caption below.
  func lines(_ choice: [(index: Int, caption: String)]) -> [String] {
    var lines = (0..<height).map { row in
      choice.map { picture(row, of: $0.index) }.joined(separator: blanks(Self.gap))
    }
    lines.append(
      choice.map { $0.caption.padded(to: 2 * width) }.joined(separator: blanks(Self.gap)))
    return lines.map { line in
      String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  private func picture(_ row: Int, of index: Int) -> String {
    (0..<width).map { column in
      let value = pixels[(index * height + row) * width + column]
      let last = Float(Self.shades.count - 1)
      return Self.shades[Int((min(max(value, 0), 1) * last).rounded())]
    }.joined()
  }

  private func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }
}
