"""Keras on JAX's way to a trained 784-300-100-10.

python -m experiments.benchmarks.peers.train_keras FOLDER PART EPOCHS SEED
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras
from keras import layers

from experiments.benchmarks import mnist

x, y, held_out_x, held_out_y = mnist.inputs(sys.argv[1], sys.argv[2])
epochs, seed = int(sys.argv[3]), int(sys.argv[4])
keras.utils.set_random_seed(seed)
rate = keras.optimizers.schedules.CosineDecay(4e-3, epochs * -(-len(x) // 128))
model = keras.Sequential([layers.Dense(300, "relu"), layers.Dense(100, "relu"), layers.Dense(10)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(rate), loss)
model.fit(x, y, 128, epochs, verbose=0)
print((model.predict(held_out_x, 1000, verbose=0).argmax(1) == held_out_y).mean())
