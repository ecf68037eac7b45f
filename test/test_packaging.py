"""Pins, pip metadata and imports agree with each other."""

import ast
import re
import sys
from importlib.metadata import (
    distribution,
    entry_points,
    packages_distributions,
    requires,
    version,
)
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SECTIONS_OF = {
    'vag_core': ('core',),
    'vag_sim': ('core', 'sim'),
    'vag_ros': ('core', 'sim', 'ros'),
    'test': ('core', 'sim', 'ros', 'dev'),
}
LAYERS = ('vag_core', 'vag_sim', 'vag_ros')
# Packages of a ROS 2 installation, used only where there is one.
OF_ROS = {'cv_bridge', 'launch', 'launch_ros', 'control_msgs', 'tf2_msgs'}
# FlashAttention 3, used where somebody has built it.
OF_A_GPU = {'flash_attn_interface'}


def normalised(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def sections() -> dict[str, dict[str, str]]:
    """Return the requirement lines of requirements.txt by section and distribution."""
    found: dict[str, dict[str, str]] = {}
    for line in (ROOT / 'requirements.txt').read_text().splitlines():
        if line.startswith('# ['):
            section = found.setdefault(line[3 : line.index(']')], {})
        elif line and not line.startswith('#'):
            section[normalised(re.match(r'[\w.-]+', line)[0])] = line
    return found


PINS = {name: line for section in sections().values() for name, line in section.items()}


def imported(folder: str) -> set[str]:
    """Return the top-level packages that the Python files below a folder import."""
    names = set()
    for path in (ROOT / folder).rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split('.')[0])
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize('name', PINS)
def test_every_pin_is_exact_and_installed(name):
    pinned = re.search(r'==([^,]+)', PINS[name])
    assert pinned, f'{PINS[name]}: not pinned with =='
    assert version(name).split('+')[0] == pinned[1]


@pytest.mark.parametrize('folder', SECTIONS_OF)
def test_what_is_imported_is_pinned_in_a_section_of_that_layer(folder):
    known = sections()
    allowed = {name for section in SECTIONS_OF[folder] for name in known[section]}
    folders = ('test', 'tools', 'benchmarks')
    own = {*LAYERS, *(path.stem for name in folders for path in (ROOT / name).rglob('*.py'))}
    distributions = packages_distributions()
    for package in imported(folder) - own - OF_ROS - OF_A_GPU:
        found = {normalised(name) for name in distributions.get(package, [package])}
        brought = {f'ros-{name}' for name in found} | found
        assert brought & (allowed | brought_by_ros()), f'{folder} imports {package}'


def brought_by_ros() -> set[str]:
    """Return what the pinned ROS wheels require themselves, for example ``ros-action-msgs``."""
    found, queue = set(), [name for name in PINS if name.startswith('ros-')]
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            for line in requires(name) or []:
                required = normalised(re.match(r'[\w.-]+', line)[0])
                if required.startswith('ros-'):
                    queue.append(required)
    return found


@pytest.mark.parametrize('number', range(len(LAYERS)), ids=LAYERS)
def test_imports_between_the_layers_go_one_way(number):
    assert not imported(LAYERS[number]) & set(LAYERS[number + 1 :])


def test_pip_users_get_the_core_requirements_and_the_simulator_as_an_extra():
    lines = [line.replace(' ', '') for line in requires('vag-core')]
    core = {normalised(re.match(r'[\w.-]+', line)[0]) for line in lines if 'extra' not in line}
    extra = {normalised(re.match(r'[\w.-]+', line)[0]) for line in lines if 'extra' in line}
    assert core == set(sections()['core'])
    assert extra == set(sections()['sim'])
    assert not any('==' in line.split(';')[0] for line in lines)
    assert any(line.startswith('opencv') and '<5' in line for line in lines)


def test_the_vag_command_has_its_verbs_and_their_modules_exist():
    scripts = distribution('vag-core').entry_points.select(group='console_scripts')
    assert [script.value for script in scripts] == ['vag_core.cli.main:main']
    verbs = {verb.name: verb.module for verb in entry_points(group='vag.verbs')}
    assert {'bag', 'info', 'plan', 'run', 'sim', 'train'} <= set(verbs)
    for module in verbs.values():
        assert find_spec(module) is not None
