"""What pyproject.toml cannot say: the proof pages, which lie beside the package, are installed as `certflow.proofs`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["certflow", "certflow.*"]), "certflow.proofs"],
    package_dir={"certflow.proofs": "proofs"},
)
