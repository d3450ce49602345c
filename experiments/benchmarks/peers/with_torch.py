"""PyTorch on the CPU: rows in one tensor, batches by indexing (a DataLoader takes several times as long), fused SGD."""

import itertools

import numpy as np
import torch
from torch import nn

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work, floats

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def mlp(work: Work) -> nn.Sequential:
    """Linear layers with the activation between them."""
    sizes = itertools.pairwise(work.units)
    layers = [module for n_in, n_out in sizes for module in (nn.Linear(n_in, n_out), ACTIVATIONS[work.activation]())]
    return nn.Sequential(*layers[:-1])


def lenet5(work: Work) -> nn.Sequential:
    """Convolutions of 6 and 16 maps, average pooling, tanh, then 120-84-10."""
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    )


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights) -> Side:
    """A loop over batches, as the tutorials have it."""
    x_all = torch.from_numpy(floats(x))
    y_all = torch.from_numpy(y[:, None].astype(np.float32) if work.loss == "log_loss" else y.astype(np.int64))
    model = {"mlp": mlp, "lenet5": lenet5}[work.model](work)
    dense = [module for module in model if isinstance(module, nn.Linear)]
    with torch.no_grad():
        for layer, (Theta, b) in zip(dense, weights, strict=bool(weights)):
            layer.weight.copy_(torch.from_numpy(Theta))
            layer.bias.copy_(torch.from_numpy(b))
    optimizer = torch.optim.SGD(model.parameters(), work.rate, fused=True)
    loss = nn.BCEWithLogitsLoss() if work.loss == "log_loss" else nn.CrossEntropyLoss()

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for rows in torch.randperm(len(x_all)).split(work.batch):
                optimizer.zero_grad()
                loss(model(x_all[rows]), y_all[rows]).backward()
                optimizer.step()

    return Side(train, lambda: [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in dense])
