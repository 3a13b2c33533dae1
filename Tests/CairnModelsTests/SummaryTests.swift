// Tables of models that are nested, frozen, not built; the first two as Keras prints them.

import CairnModels
import Testing

@Suite("Summaries")
struct SummaryTests {
  @Test("Nested models and flags, as Keras prints them")
  func nested() throws {
    let model = try sampleModel()
    model.layers[0].trainable = false
    #expect(
      model.summary(lineLength: 72, expandsNested: true, showsTrainable: true) == """
        Model: "sample"
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━┓
        ┃ Layer (type)               ┃ Output Shape        ┃   Param # ┃ Trai… ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━┩
        │ first (Dense)              │ (None, 4)           │        20 │   N   │
        ├────────────────────────────┼─────────────────────┼───────────┼───────┤
        │ inner (Sequential)         │ (None, 5)           │        45 │   Y   │
        ├────────────────────────────┼─────────────────────┼───────────┼───────┤
        │    └ middle (Dense)        │ (None, 5)           │        25 │   Y   │
        ├────────────────────────────┼─────────────────────┼───────────┼───────┤
        │    └ normalization         │ (None, 5)           │        20 │   N   │
        │ (BatchNormalization)       │                     │           │       │
        ├────────────────────────────┼─────────────────────┼───────────┼───────┤
        │    └ drop (Dropout)        │ (None, 5)           │         0 │   -   │
        ├────────────────────────────┼─────────────────────┼───────────┼───────┤
        │ dropout (Dropout)          │ (None, 5)           │         0 │   -   │
        ├────────────────────────────┼─────────────────────┼───────────┼───────┤
        │ last (Dense)               │ (None, 3)           │        15 │   Y   │
        └────────────────────────────┴─────────────────────┴───────────┴───────┘
         Total params: 80 (320.00 B)
         Trainable params: 40 (160.00 B)
         Non-trainable params: 40 (160.00 B)

        """)
  }

  @Test("Names that are too long, as Keras prints them")
  func longNames() throws {
    let inner = try #require(sampleModel().layers[1] as? Sequential)
    let model = try Sequential(
      [
        inner, Dense(12, name: "a_layer_with_quite_a_long_name_that_does_not_fit"),
        Dense(2, name: String(repeating: "x", count: 50)),
      ], name: "long")
    #expect(
      model.summary(lineLength: 60, expandsNested: true) == """
        Model: "long"
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┓
        ┃ Layer (type)             ┃ Output Shape      ┃   Param # ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━┩
        │ inner (Sequential)       │ (None, 5)         │        45 │
        ├──────────────────────────┼───────────────────┼───────────┤
        │    └ middle (Dense)      │ (None, 5)         │        25 │
        ├──────────────────────────┼───────────────────┼───────────┤
        │    └ normalization       │ (None, 5)         │        20 │
        │ (BatchNormalization)     │                   │           │
        ├──────────────────────────┼───────────────────┼───────────┤
        │    └ drop (Dropout)      │ (None, 5)         │         0 │
        ├──────────────────────────┼───────────────────┼───────────┤
        │ a_layer_with_quite_a_lo… │ (None, 12)        │        72 │
        │ (Dense)                  │                   │           │
        ├──────────────────────────┼───────────────────┼───────────┤
        │ xxxxxxxxxxxxxxxxxxxxxxx… │ (None, 2)         │        26 │
        │ (Dense)                  │                   │           │
        └──────────────────────────┴───────────────────┴───────────┘
         Total params: 143 (572.00 B)
         Trainable params: 123 (492.00 B)
         Non-trainable params: 20 (80.00 B)

        """)
  }

  @Test("An unbuilt model has no shapes and no parameters yet")
  func unbuilt() throws {
    let model = try Sequential([Dense(2), Dense(3)], name: "late")
    let text = model.summary()
    #expect(text.contains("│ dense (Dense)                        │ ?"))
    #expect(text.contains("0 (unbuilt)"))
    #expect(text.contains(" Total params: 0 (0.00 B)\n"))
  }

  @Test("Shared variables count once in the totals")
  func shared() throws {
    let a = try Dense(100, usesBias: false, name: "a")
    let b = try Dense(100, usesBias: false, name: "b")
    let model = try Sequential([InputLayer(shape: [100]), a, b], name: "m")
    #expect(model.summary().contains(" Total params: 20,000 (78.12 KB)\n"))
    try b.share("kernel", with: a)
    #expect(model.summary().contains(" Total params: 10,000 (39.06 KB)\n"))
  }
}
