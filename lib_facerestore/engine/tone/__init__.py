"""Grey, sepia and duotone: where colour is a function of brightness, what a network makes keeps to it."""

from lib_facerestore.engine.tone.curve import GREY, Tone, tone_of, tone_of_square
from lib_facerestore.engine.tone.places import toned_places

__all__ = ["GREY", "Tone", "tone_of", "tone_of_square", "toned_places"]
