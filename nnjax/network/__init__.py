"""The equations of neural networks as pure functions over a tuple of (Theta, b). Textbook, part 1: L1-L12, L16-L33.

It needs JAX, NumPy and jaxtyping alone. Read its files beside docs/lecture.md in this order:

1. activations       g and g' (L1, L26)
2. layers/dense      a layer of units, forward and backward (L2, L26, L27); matmul has its products
3. losses            L, delta = dL/dz and the output h (L5-L8, L17, L18, L21-L25)
4. initializers      how Theta starts (L33)
5. models            layers one after another: the mlp (L3)
6. backprop          the gradient of the cost J, by hand and by jax.grad (L19, L20, L25-L28)
7. chain_rule        the same gradients step by step, for one instance (L29-L31, L39)
8. gradient_check    by hand = jax.grad = finite differences (L32)
9. logic_gates       weights written down, not trained (L10-L12)
10. layers/im2col, layers/convolution, layers/pooling, then lenet5 in models (L16)
"""
