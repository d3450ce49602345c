"""PyTorch's way to a trained 784-300-100-10.

python -m experiments.benchmarks.peers.train_torch FOLDER PART EPOCHS SEED
"""

import sys

import torch
from torch import nn

from experiments.benchmarks import mnist

x, y, held_out_x, held_out_y = mnist.inputs(sys.argv[1], sys.argv[2])
epochs, seed = int(sys.argv[3]), int(sys.argv[4])
torch.manual_seed(seed)
x, y, held_out_x, held_out_y = (torch.from_numpy(array) for array in (x, y.astype(int), held_out_x, held_out_y))
model = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))
optimizer = torch.optim.Adam(model.parameters(), 4e-3, fused=True)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * -(-len(x) // 128))
loss = nn.CrossEntropyLoss()
for _ in range(epochs):
    for rows in torch.randperm(len(x)).split(128):
        optimizer.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
with torch.no_grad():
    print((model(held_out_x).argmax(1) == held_out_y).float().mean().item())
