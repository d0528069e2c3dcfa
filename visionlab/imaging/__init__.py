"""Pictures: decoding, kernels, convolution, classic filters, and the one place where numbers become colours."""
