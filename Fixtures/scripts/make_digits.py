"""Trains a small digit classifier with Keras; writes it and what it predicts to Fixtures/digits."""

import json

from common import folder, write_safetensors  # first: it sets up the environment

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 20240601
EPOCHS = 60


def data():
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)
    labels = digits.target.astype(np.int64)
    return train_test_split(
        images, labels, test_size=0.2, random_state=SEED, stratify=labels, shuffle=True
    )


def model():
    return keras.Sequential(
        [
            layers.InputLayer(shape=(8, 8), name="image"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.BatchNormalization(name="normalization"),
            layers.Dropout(0.2, seed=SEED, name="dropout"),
            layers.Dense(32, activation="gelu", name="embedding"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits",
    )


def main():
    keras.utils.set_random_seed(SEED)
    train_images, held_out_images, train_labels, held_out_labels = data()
    classifier = model()
    classifier.compile(
        optimizer=keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy"
    )
    classifier.fit(train_images, train_labels, batch_size=64, epochs=EPOCHS, verbose=0)

    predictions = classifier.predict(
        held_out_images, batch_size=len(held_out_images), verbose=0
    )
    correct = int((predictions.argmax(axis=1) == held_out_labels).sum())
    accuracy = correct / len(held_out_labels)
    assert accuracy >= 0.96, accuracy

    # Without the optimizer and the loss: the fixture is the model, not its training.
    exported = model()
    exported.set_weights(classifier.get_weights())
    again = exported.predict(held_out_images, batch_size=len(held_out_images), verbose=0)
    assert again.tobytes() == predictions.tobytes()

    out = folder("digits")
    (out / "model.json").write_text(exported.to_json(), encoding="utf-8")
    order = [weight.path for weight in exported.weights]
    write_safetensors(
        out / "weights.safetensors",
        {weight.path: weight.numpy() for weight in exported.weights},
        {
            "format": "keras",
            "keras_version": keras.__version__,
            "weight_order": json.dumps(order),
        },
    )
    write_safetensors(
        out / "images.safetensors",
        {"images": held_out_images, "labels": held_out_labels, "predictions": predictions},
        {
            "accuracy": repr(accuracy),
            "correct": str(correct),
            "count": str(len(held_out_labels)),
            "keras_version": keras.__version__,
        },
    )
    print(f"digits: {correct} of {len(held_out_labels)} right, accuracy {accuracy}")


main()
