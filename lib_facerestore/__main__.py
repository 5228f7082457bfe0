"""`python -m lib_facerestore` is the command `facerestore`."""

import sys

from lib_facerestore.cli import main

sys.exit(main())
