"""The recipe of a policy from a YAML file, shipped or the user's own."""

from dataclasses import replace
from pathlib import Path

from vag_core import resources
from vag_core.configuration import load
from vag_core.policy.config import PolicyRecipe


def load_policy_recipe(name: Path | str, steps: int | None = None) -> PolicyRecipe:
    """Load a recipe; ``steps`` replaces its optimiser steps.

    Raises:
        ConfigError: file, field, value and what is allowed are named.
        FileNotFoundError: there is no such file.
    """
    path = Path(name)
    recipe = load(PolicyRecipe, path if path.is_file() else resources.find(path))
    if steps is None:
        return recipe
    stage = replace(recipe.training.stage, steps=steps)
    return replace(recipe, training=replace(recipe.training, stage=stage))
