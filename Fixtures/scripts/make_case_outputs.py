"""What Keras makes of the models in Fixtures/cases/models.

    python make_case_outputs.py keras FOLDER MODEL ...      # or tf_keras instead of keras

For each MODEL (a .keras or .h5 file, or a .config.json with its .weights.h5 beside it) the inputs are read from
MODEL.in0.npy ..., or drawn with a fixed seed and written there; the outputs go to MODEL.out0.npy ...
Each model was given to the Keras that wrote it: k3_*, mask_*, mha_*, gqa_*, inf_*, trained_*, untrained and
compiled_* to Keras 3.15.1, k305_* to Keras 3.0.5, k215_* to Keras 2.15.0, k2_* to tf_keras 2.21.0, all on
TensorFlow.
"""

import glob
import importlib
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

SEED = 7


def load(keras, path):
    if path.endswith(".config.json"):
        with open(path, encoding="utf-8") as file:
            model = keras.models.model_from_json(file.read())
        model.load_weights(path.removesuffix(".config.json") + ".weights.h5")
        return model
    return keras.models.load_model(path, compile=False)


def inputs(model, stem):
    files = sorted(glob.glob(f"{stem}.in*.npy"))
    if files:
        return [np.load(file) for file in files]
    random = np.random.default_rng(SEED)
    made = []
    for number, tensor in enumerate(model.inputs):
        shape = [3 if size is None else size for size in tensor.shape]
        dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
        values = random.integers(0, 4, shape) if "int" in dtype else random.normal(size=shape)
        made.append(values.astype(dtype))
        np.save(f"{stem}.in{number}.npy", made[-1])
    return made


def main():
    keras = importlib.import_module(sys.argv[1])
    for name in sys.argv[3:]:
        path = os.path.join(sys.argv[2], name)
        stem = os.path.splitext(path)[0]
        model = load(keras, path)
        given = inputs(model, stem)
        result = model.predict(given if len(given) > 1 else given[0], verbose=0)
        result = result if isinstance(result, (list, tuple)) else [result]
        for number, output in enumerate(result):
            np.save(f"{stem}.out{number}.npy", np.asarray(output))
        print(name, [output.shape for output in result])


main()
