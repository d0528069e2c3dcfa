"""What pyproject.toml cannot say: that the built-in weights, which lie beside the package, travel inside it."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["visionlab", "visionlab.*"]), "visionlab.weights"],
    package_dir={"visionlab.weights": "weights"},
    package_data={
        "visionlab": [
            "py.typed",
            "__init__.pyi",
            "**/*.css",
            "**/*.html",
            "**/*.js",
            "**/*.png",
            "**/*.txt",
            "**/predict.py",
        ],
        "visionlab.weights": [
            "README.md",
            "vgg16-oxford.md",
            "vgg16-oxford.safetensors",
            "vgg16-tinyimagenet.safetensors",
        ],
    },
)
