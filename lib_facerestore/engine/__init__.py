"""The restoration recipe on plain arrays. Needs numpy, OpenCV and Pillow; knows no network library and no host."""
