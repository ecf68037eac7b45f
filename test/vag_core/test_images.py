import numpy as np
import pytest

from vag_core.images import decode_image, encode_jpeg, encode_png, read_mp4, write_mp4

GRADIENT = np.stack(
    np.broadcast_arrays(np.arange(64)[None, :] * 4, np.arange(48)[:, None] * 5, 90), axis=2
).astype(np.uint8)


def test_png_keeps_every_pixel():
    np.testing.assert_array_equal(decode_image(encode_png(GRADIENT)), GRADIENT)


def test_jpeg_keeps_the_picture_and_the_order_of_colours():
    error = decode_image(encode_jpeg(GRADIENT)).astype(int) - GRADIENT
    assert np.abs(error).mean() < 3


@pytest.mark.parametrize('data', [b'', b'no image', encode_jpeg(GRADIENT)[:100]])
def test_bytes_that_are_no_image_are_refused(data):
    with pytest.raises(ValueError, match=f'{len(data)} bytes'):
        decode_image(data)


@pytest.mark.parametrize('image', [GRADIENT[..., 0], GRADIENT.astype(float), GRADIENT[..., :2]])
def test_an_array_that_is_no_rgb_image_is_refused(image):
    with pytest.raises(ValueError, match='expected'):
        encode_jpeg(image)


def test_a_video_file_keeps_the_number_and_the_content_of_frames(tmp_path):
    frames = np.stack([np.roll(GRADIENT, k, axis=1) for k in range(7)])
    write_mp4(tmp_path / 'v.mp4', frames, fps=10.0)
    read = read_mp4(tmp_path / 'v.mp4')
    assert read.shape == frames.shape
    assert np.abs(read.astype(int) - frames).mean() < 6


def test_odd_sizes_are_refused_before_a_file_is_written(tmp_path):
    with pytest.raises(ValueError, match='47 x 64'):
        write_mp4(tmp_path / 'v.mp4', GRADIENT[None, :47], fps=10.0)
    assert not (tmp_path / 'v.mp4').exists()


def test_a_file_that_is_no_video_is_named(tmp_path):
    (tmp_path / 'v.mp4').write_bytes(b'nothing')
    with pytest.raises(ValueError, match=r'v\.mp4'):
        read_mp4(tmp_path / 'v.mp4')
