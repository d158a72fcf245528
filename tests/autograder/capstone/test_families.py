"""What is asked under corruption and was not learnt beforehand: the claim, against the sources."""

from __future__ import annotations

import ast
import inspect
import textwrap

from autograder.capstone import augment
from autograder.capstone.backbone import pretrain
from autograder.capstone.corruptions import FAMILIES

# What each change of the backbone's training makes, by the names of the families.
LEARNT = {
    "warp": {"shift", "rotation", "scale", "shear"},
    "_blurred": {"blur"},
    "_paler": {"contrast"},
    "_noisy": {"noise"},
    "_impulses": {"impulse"},
    "_holes": set(),
}


def called(function, module):
    """The functions of `module` that a function calls by name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    names = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return {name for name in names if inspect.isfunction(getattr(module, name, None))}


def test_families_that_the_backbone_learnt_say_so():
    assert called(pretrain.pretrain, augment) == {"warp", "corrupt"}
    assert {"warp"} | called(augment.corrupt, augment) == set(LEARNT)
    assert set().union(*LEARNT.values()) == {f.name for f in FAMILIES if f.known}


def test_at_least_three_families_are_new_to_it():
    new = {family.name for family in FAMILIES if not family.known}
    assert new >= {"thin", "thick", "elastic"}
