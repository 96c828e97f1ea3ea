"""Packages of keras_musictag; `zoo/`, `tfrecords/` and the results that the page shows go into the wheel as data."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "keras_musictag" / "__init__.py").read_text()).group(1)
DATA = {  # package data: name -> its folder, and its files
    "zoo": ("zoo", ["*/*"]),
    "tfrecords": ("tfrecords", ["*/*"]),
    "results": ("docs/results", ["*/robustness.csv", "*/neighbours.csv", "*/*/report.json"]),
}
EXPORT = ["onnx>=1.16", "onnxruntime>=1.18", "tf2onnx>=1.17", "openvino>=2025.0", "ai-edge-litert>=2.0.2"]
WEB = [
    "fastapi>=0.115.8",
    "starlette>=0.45",  # ranges of files, limits of forms
    "pydantic>=2.9",
    "uvicorn>=0.34",
    "python-multipart>=0.0.20",
    "prometheus-client>=0.20",
]
LIBRARY = ["mutagen>=1.47", "pyarrow>=15"]  # mutagen is GPL-2.0-or-later: only whoever installs this extra gets it

setup(
    name="keras-musictag",
    version=VERSION,
    description="A Keras model zoo for automatic music tagging",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0 AND ISC",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11,<3.14",
    packages=[
        *find_packages(include=["keras_musictag*"]),
        *(f"keras_musictag._data.{name}" for name in DATA),
        "beetsplug",
    ],
    package_dir={
        **{f"keras_musictag._data.{name}": folder for name, (folder, _) in DATA.items()},
        "beetsplug": "keras_musictag/library/beets_plugin",  # a namespace package, to which beets adds its own plugins
    },
    package_data={
        "": ["*.pyi", "py.typed"],
        "keras_musictag": [
            "assets/*",
            "evaluation/*.json",
            "training/recipes/*.json",
            "library/estimated_thresholds/*.json",
            "web/static/*",
            "web/static/*/*",
            "web/static/js/views/*",
        ],
        **{f"keras_musictag._data.{name}": files for name, (_, files) in DATA.items()},
    },
    install_requires=[
        # kapre 0.4.1 limits TensorFlow and Keras, and requires the distribution named `tensorflow`
        "tensorflow>=2.16,<2.21",
        "keras>=3.10,<3.14",
        "kapre>=0.4.1,<0.5",
        "librosa>=0.11,<1",
        "numpy>=1.26",
        "scipy>=1.11",
        "click>=8.1",
        "lazy_loader>=0.4",
        "av>=18",
        "soxr>=0.5",
        "pooch>=1.8",
        "platformdirs>=4",
        "filelock>=3.24.3",
        "requests>=2.31",
        "safetensors>=0.4.3",
        "protobuf>=4.25",  # TensorFlow's own dependency: records are read and written without TensorFlow
        "google-crc32c>=1.5",
        "rich>=13",
        "matplotlib>=3.8",
    ],
    extras_require={
        "gmtag": ["mido>=1.3.3", "pyfluidsynth>=1.3.4"],  # in addition to Debian's mma, fluidsynth and soundfonts
        # decodes MP3 in the graph; its last release loads only under TensorFlow 2.16 (docs/tensorflow_io.md)
        "tensorflow-io": ["tensorflow-io==0.37.1", "tensorflow==2.16.*"],
        "export": EXPORT,  # all formats except SavedModel and Keras, and `kmt.load(name, engine=...)`
        "library": LIBRARY,  # writes tags into files, and Parquet
        "web": WEB,  # `keras-musictag serve`
        "ray": ["ray[data]>=2.51"],  # the scan on many machines; with pyarrow
        "beets": ["beets>=2.7"],  # the first version whose items have several genres; it needs NumPy 2
        "backends": ["jax>=0.4.30", "torch>=2.4"],  # Keras on other backends than TensorFlow
        "baseline": ["scikit-learn>=1.4"],  # the ridge regression of scripts/baseline_ridge.py; librosa installs it too
        "test": [
            "pytest>=8",
            "pytest-xdist>=3.8",
            "ruff>=0.12",
            "build>=1",
            "setuptools>=77",
            "soundfile>=0.12",
            "scikit-learn>=1.4",  # the metrics are compared with it
            "mido>=1.3.3",
            "pyfluidsynth>=1.3.4",
            "pytaglib>=3",  # reads tags independently of mutagen
            "tensorflow-serving-api>=2.16,<2.21",  # the protos of TensorFlow Serving, and its client
            "httpx>=0.27",  # the test client of the page's server
            "schemathesis>=4",  # requests made from the OpenAPI document
            "selenium>=4.20",  # the page in a real browser
            *EXPORT,
            *LIBRARY,
            *WEB,
        ],
    },
    entry_points={"console_scripts": ["keras-musictag = keras_musictag.cli:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Topic :: Multimedia :: Sound/Audio :: Analysis",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
