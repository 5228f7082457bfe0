"""A flag, as extensions add them."""


def preload(parser):
    parser.add_argument("--probe-word", type=str, default="unsaid")
