"""pip installation of vag_core, of vag_sim with the extra ``sim``, and of the ``vag`` command.

colcon builds the ROS package without reading this file. Requirements come from requirements.txt,
where ``# [name]`` opens a section. What is pinned there is what was tested; an installation into
somebody's own environment takes the pins as lower bounds.
"""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
SHARE = Path('share/vag_ros')


def requirements(wanted: str) -> list[str]:
    """Return the lines of one section of requirements.txt, ``==`` turned into ``>=``."""
    section, lines = '', []
    for line in (ROOT / 'requirements.txt').read_text().splitlines():
        if line.startswith('# ['):
            section = line[3 : line.index(']')]
        elif line and not line.startswith('#') and section == wanted:
            lines.append(line.replace('==', '>='))
    return lines


def data_files(*folders: str) -> list[tuple[str, list[str]]]:
    """List the files below each folder, to lie under share/vag_ros as in the checkout."""
    files = [p.relative_to(ROOT) for folder in folders for p in sorted((ROOT / folder).rglob('*'))]
    return [(str(SHARE / file.parent), [str(file)]) for file in files if (ROOT / file).is_file()]


setup(
    name='vag-core',
    version='0.1.0',
    description='Generate robot video and joint actions together (VAG, arXiv 2604.09330)',
    license='Apache-2.0',
    python_requires='>=3.11',
    packages=find_packages(include=['vag_core', 'vag_core.*', 'vag_sim', 'vag_sim.*']),
    package_data={'vag_sim': ['assets/*']},
    data_files=data_files('config', 'checkpoints', 'urdf'),
    install_requires=requirements('core'),
    extras_require={'sim': requirements('sim')},
    entry_points={
        'console_scripts': ['vag = vag_core.cli.main:main'],
        'vag.clearance': ['sim = vag_sim.clearance:clearance_of'],
        'vag.verbs': [
            'info = vag_core.cli.info',
            'plan = vag_core.cli.plan',
            'init = vag_core.cli.init',
            'generate = vag_core.cli.generate',
            'train = vag_core.cli.train',
            'baseline = vag_core.cli.baseline',
            'sim = vag_sim.cli',
            'synthesize = vag_sim.synthesize_cli',
            'policy = vag_sim.policy_cli',
            'bag = vag_ros.cli.bag',
            'episode = vag_ros.cli.episode',
            'episodes = vag_ros.cli.episodes',
            'watch = vag_ros.cli.watch',
            'run = vag_ros.cli.run',
            'launch = vag_ros.cli.launch',
            'operator = vag_ros.cli.operator',
        ],
    },
)
