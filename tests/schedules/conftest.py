"""What the tests of this room share: noise schedules by their definitions, and exact models of mixtures on them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture(scope="package")
def networks() -> Iterator[Any]:
    """The networks of the installed diffusers.

    Some of them import torchvision where it is installed, and fail where that is not built for this torch: then they
    are loaded as if it were not installed, for images have no part in this.
    """
    pytest.importorskip("diffusers")
    from diffusers.utils import import_utils

    seen = import_utils._torchvision_available
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the many packages that these imports load
        try:
            importlib.import_module("torchvision")
        except (ImportError, RuntimeError):
            import_utils._torchvision_available = False
        unets = importlib.import_module("diffusers.models.unets.unet_2d")
        dit = importlib.import_module("diffusers.models.transformers.dit_transformer_2d")
        sd3 = importlib.import_module("diffusers.models.transformers.transformer_sd3")
        flux = importlib.import_module("diffusers.models.transformers.transformer_flux")
    yield SimpleNamespace(
        UNet2DModel=unets.UNet2DModel,
        DiTTransformer2DModel=dit.DiTTransformer2DModel,
        SD3Transformer2DModel=sd3.SD3Transformer2DModel,
        FluxTransformer2DModel=flux.FluxTransformer2DModel,
    )
    import_utils._torchvision_available = seen
