"""Fixtures with real node processes, each test in a ROS domain of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toy_package
from node_processes import Client, NodeProcess, node_launcher, reserved_domain
from simulated_arms import SimulatedArms, running_server

from vag_core import resources
from vag_core.configuration import load, read_yaml
from vag_core.robot import load_profile


@pytest.fixture
def domain_id() -> Iterator[int]:
    """Reserve a ROS domain that no other test on this machine uses now."""
    with reserved_domain() as domain:
        yield domain


@pytest.fixture
def launch_node(domain_id: int, tmp_path: Path) -> Iterator[Callable[..., NodeProcess]]:
    """Start nodes as ``launch_node('generator', robot='sim')``; all are ended after the test."""
    with node_launcher(domain_id, tmp_path) as launch:
        yield launch


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package ``toy`` and return a folder for logs."""
    monkeypatch.setenv('AMENT_PREFIX_PATH', toy_package.install(tmp_path / 'prefix'))
    return tmp_path / 'logs'


@pytest.fixture
def client(domain_id: int) -> Iterator[Client]:
    """Join the test's domain with a node that spins in the background."""
    client = Client(domain_id)
    yield client
    client.close()


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedArms]:
    """Start a replay server for the tests of one file, with arms that it may move."""
    with running_server(tmp_path_factory.mktemp('server')) as (arms, _):
        yield arms


@pytest.fixture
def arms(server: SimulatedArms) -> SimulatedArms:
    """Arms at home, and their replay server armed."""
    server.be_ready()
    return server


@pytest.fixture(scope='session')
def small_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a checkpoint of random weights for the sim robot: 9 frames, 4 steps."""
    from vag_core.checkpoint import CheckpointConfig, save_checkpoint
    from vag_core.model.normaliser import Normaliser
    from vag_core.model.vag import Vag, VagConfig

    sizes = read_yaml(resources.find('config/models/test.yaml'))['model']
    cfg = CheckpointConfig(
        model=load(VagConfig, sizes),
        embodiment=load_profile('sim').as_embodiment(),
        normaliser=Normaliser(mean=(0.0,) * 14, std=(0.1,) * 14),
        camera='cam_high',
        fps=10.0,
        evaluation='random weights',
    )
    folder = tmp_path_factory.mktemp('checkpoints') / 'small'
    return save_checkpoint(folder, cfg, Vag(cfg.model))
