"""python -m visionlab"""

from visionlab.cli import run

if __name__ == "__main__":
    run()
