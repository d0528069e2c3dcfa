"""Networks: loading them, predicting, their activations, and explanations.  torch lives here and above."""
