"""What pyproject.toml cannot say: that the app and the weights, which lie beside the package, travel inside it."""

from setuptools import find_packages, setup

BESIDE = {"visionlab.app": ".", "visionlab.app.pages": "pages", "visionlab.weights": "weights"}

setup(
    script_name="setup.py",  # told by its name, it is no part of what lies beside it
    packages=[*find_packages(include=["visionlab", "visionlab.*"]), *BESIDE],
    package_dir=BESIDE,
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
        "visionlab.app": [".streamlit/config.toml"],
        "visionlab.weights": [
            "*.md",
            "*.png",
            "vgg16-oxford.safetensors",
            "vgg16-tinyimagenet.safetensors",
        ],
    },
)
