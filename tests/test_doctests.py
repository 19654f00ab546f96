"""The examples in docstrings are true."""

import doctest
import importlib

import pytest

from tests.test_architecture import FILES, ROOT

MODULES = [
    ".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for f in FILES if f.stem != "__main__"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
