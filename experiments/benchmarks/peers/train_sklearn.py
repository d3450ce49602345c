"""scikit-learn's way to a trained 784-300-100-10.

python -m experiments.benchmarks.peers.train_sklearn FOLDER PART EPOCHS SEED
"""

import sys
import warnings

from sklearn.neural_network import MLPClassifier

from experiments.benchmarks import mnist

x, y, held_out_x, held_out_y = mnist.inputs(sys.argv[1], sys.argv[2])
epochs, seed = int(sys.argv[3]), int(sys.argv[4])
warnings.simplefilter("ignore")  # that epochs are limited
network = MLPClassifier((300, 100), batch_size=128, max_iter=epochs, random_state=seed)
print(network.fit(x, y).score(held_out_x, held_out_y))
