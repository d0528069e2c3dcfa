"""python -m visionlab.learning.builtin"""

import typer

from visionlab.learning.builtin.training import main

if __name__ == "__main__":
    typer.run(main)
