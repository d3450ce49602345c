"""The compiled training of one network, then of many networks at once, called lanes. Textbook, part 2: L5-L9, L33-L38.

It needs nnjax.network, JAX and optax. Read its files beside docs/lecture.md in this order:

1. batches             instances -> inputs and targets (L5, L6, L8, L9); which of them make a batch (L34-L36)
2. metrics             loss, accuracy and prediction over a whole split (L38)
3. optimizers          Theta <- Theta - alpha D and its variants; alpha over time (L37)
4. train_state         what a training is made of, and what changes in it
5. train_step          the compiled programs: the first state (L33), updates (L34-L37), the end of an epoch (L37)
6. history             the metrics of all epochs, on the host
7. trainer             the loop on the host: one call of a program after another
8. vectorize, layout   many networks in one program, and how they are spread over devices
9. result              what a finished training is, network by network
10. precision, compiler_options    float32, float64 or bfloat16; settings of XLA's compiler with their measured reason
"""
