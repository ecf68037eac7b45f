"""What to generate."""

import json

import pytest

from vag_core.images import encode_png
from vag_core.jobs import Job, JobError, check, read_jobs, with_seeds


@pytest.fixture
def image(tmp_path):
    import numpy as np

    path = tmp_path / 'scene.png'
    path.write_bytes(encode_png(np.zeros((4, 6, 3), np.uint8)))
    return path


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_text_file_holds_an_instruction_a_line(tmp_path, image):
    path = written(tmp_path, 'jobs.txt', 'pick up the cube\n\n  open the drawer \n')
    assert read_jobs(path, image, 7) == [
        Job('pick up the cube', image, 7),
        Job('open the drawer', image, 7),
    ]


def test_a_table_names_its_columns_and_an_empty_cell_says_nothing(tmp_path, image):
    path = written(
        tmp_path,
        'jobs.csv',
        'instruction,image,seed,start_state\n"lift, slowly",scene.png,3,"[0, 0.5]"\npush,,,\n',
    )
    assert read_jobs(path, image, 7) == [
        Job('lift, slowly', tmp_path / 'scene.png', 3, (0.0, 0.5)),
        Job('push', image, 7),
    ]


ENTRIES = [
    'pick up the cube',
    {'instruction': 'lift', 'image': 'scene.png', 'seed': 3, 'start_state': [0, 0.5]},
]


@pytest.mark.parametrize('name', ['jobs.yaml', 'jobs.json', 'jobs.jsonl'])
def test_other_files_may_give_each_its_image_seed_and_start_state(tmp_path, image, name):
    lines = '\n'.join(json.dumps(entry) for entry in ENTRIES)
    path = written(
        tmp_path, name, lines if name.endswith('l') and 'js' in name else json.dumps(ENTRIES)
    )
    assert read_jobs(path, image, 0) == [
        Job('pick up the cube', image, 0),
        Job('lift', tmp_path / 'scene.png', 3, (0.0, 0.5)),
    ]


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('a.txt', '\n', 'a.txt: no instruction'),
        ('a.yaml', 'instruction: pick', 'a.yaml: expected a list, found dict'),
        ('a.yaml', '[[', 'a.yaml: not readable'),
        ('a.yaml', '[pick, {seed: 1}]', 'entry 2: instruction: missing'),
        ('a.yaml', '[{instruction: pick, sed: 1}]', 'entry 1: unknown: sed; known are instruc'),
        (
            'a.yaml',
            '[{instruction: pick, seed: one}]',
            "entry 1: seed = 'one': must be of type int",
        ),
        ('a.yaml', '[{instruction: pick, seed: true}]', 'entry 1: seed = True'),
        ('a.yaml', '[{instruction: pick, seed: -1}]', 'entry 1: seed = -1'),
        ('a.yaml', '[{instruction: " "}]', 'entry 1: instruction: empty'),
        ('a.yaml', '[{instruction: pick, start_state: [a]}]', "entry 1: could not convert .*'a'"),
        ('a.yaml', '[3]', 'entry 1: expected an instruction or a mapping, found 3'),
        ('a.jsonl', '"pick"\n{', 'a.jsonl:2: not JSON'),
        ('a.csv', 'instruction\nlift, slowly\n', 'a.csv:2: not readable: 1 more cells than names'),
        ('a.csv', 'instruction,speed\nlift,3\n', 'unknown: speed'),
    ],
)
def test_a_wrong_entry_is_named_with_its_place(tmp_path, image, name, text, message):
    with pytest.raises(JobError, match=message):
        read_jobs(written(tmp_path, name, text), image, 0)


def test_an_entry_without_any_image_is_named(tmp_path):
    with pytest.raises(JobError, match=r'a\.txt:1: image: missing'):
        read_jobs(written(tmp_path, 'a.txt', 'pick'), None, 0)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(JobError, match='nowhere: No such file'):
        read_jobs(tmp_path / 'nowhere', None, 0)


def test_what_is_no_image_is_named(tmp_path):
    with pytest.raises(JobError, match=r'image .*text\.png: 5 bytes are no JPEG or PNG image'):
        Job('pick', written(tmp_path, 'text.png', 'hello'), 0).pixels()
    with pytest.raises(JobError, match=r'image .*nowhere\.png: No such file'):
        Job('pick', tmp_path / 'nowhere.png', 0).pixels()


def test_seeds_count_up_from_each_job_s_own(image):
    jobs = with_seeds([Job('a', image, 4), Job('b', image, 9)], 2)
    assert [(job.instruction, job.seed) for job in jobs] == [
        ('a', 4),
        ('a', 5),
        ('b', 9),
        ('b', 10),
    ]


def test_the_same_job_has_the_same_name_and_any_change_another(image, tmp_path):
    job = Job('Pick up the cube!', image, 4)
    assert job.name('x').startswith('pick_up_the_cube_s4_')
    copy = tmp_path / 'copy.png'
    copy.write_bytes(image.read_bytes())
    assert Job('Pick up the cube!', copy, 4).name('x') == job.name('x')
    copy.write_bytes(image.read_bytes() + b'x')
    others = [
        Job('pick up the cube', image, 4),
        Job('Pick up the cube!', image, 5),
        Job('Pick up the cube!', copy, 4),
        Job('Pick up the cube!', image, 4, (0.0,)),
    ]
    names = {job.name('x'), job.name('y'), *(other.name('x') for other in others)}
    assert len(names) == 6


@pytest.mark.parametrize('instruction', ['把红色方块拿起来', '../../etc', '.hidden', 'a' * 300])
def test_a_name_can_be_a_folder_whatever_the_instruction(image, instruction):
    name = Job(instruction, image, 0).name()
    assert name.isascii()
    assert '/' not in name
    assert name[0] != '.'
    assert len(name) < 80


def test_an_instruction_without_words_is_refused(image):
    with pytest.raises(JobError, match='instruction: empty'):
        check(Job(' \t', image, 0))
