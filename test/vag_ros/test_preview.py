import numpy as np

from vag_core.episode import Episode
from vag_core.robot import load_profile
from vag_ros.preview import captions

PROFILE = load_profile('sim')


def test_captions_tell_instruction_time_worth_and_where_the_plan_will_be_clamped():
    actions = np.tile(PROFILE.home_position, (3, 1)).astype(np.float32)
    actions[1, 5] = PROFILE.upper[5] + 0.01
    actions[2, 6] = PROFILE.upper[6] + 0.0001
    episode = Episode(
        episode_id='e',
        instruction='lift',
        fps=10.0,
        embodiment=PROFILE.as_embodiment(),
        actions=actions,
        videos={},
        provenance={'evaluation': 'not evaluated'},
    )
    assert captions(episode, PROFILE) == [
        '"lift"  0.0 s  not evaluated',
        '"lift"  0.1 s  not evaluated  CLAMPED',
        '"lift"  0.2 s  not evaluated',
    ]
