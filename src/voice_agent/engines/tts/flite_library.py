"""The parts of Debian's `libflite1` we call, declared for ctypes.

Structures are those of flite 2.2's headers (`cst_wave.h`, `cst_audio.h`, `cst_voice.h`).
"""

import ctypes
from typing import Any, Final

from voice_agent.core.errors import ProviderUnavailable

INSTALL: Final = "apt-get install libflite1"
VOICES: Final = ("slt", "rms", "awb", "kal16", "kal")
"""American woman, American man, Scottish man, and two older, rougher men."""

_POINTER: Final = ctypes.c_void_p
_TEXT: Final = ctypes.c_char_p


class Wave(ctypes.Structure):
    """`cst_wave`."""

    _fields_ = (
        ("type", _TEXT),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int, _POINTER
)
"""`cst_audio_stream_callback`: wave, first sample, count, whether the last, stream."""


class Stream(ctypes.Structure):
    """`cst_audio_streaming_info`."""

    _fields_ = (
        ("min_buffsize", ctypes.c_int),
        ("asc", CALLBACK),
        ("utt", _POINTER),
        ("item", _POINTER),
        ("userdata", _POINTER),
    )


class Utterance(ctypes.Structure):
    """The head of `cst_utterance`."""

    _fields_ = (("features", _POINTER),)


class Voice(ctypes.Structure):
    """The head of `cst_voice`."""

    _fields_ = (("name", _TEXT), ("features", _POINTER))


_FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "flite_init": (ctypes.c_int, ()),
    "new_utterance": (ctypes.POINTER(Utterance), ()),
    "utt_set_input_text": (ctypes.c_int, (ctypes.POINTER(Utterance), _TEXT)),
    "utt_init": (_POINTER, (ctypes.POINTER(Utterance), ctypes.POINTER(Voice))),
    "utt_synth": (_POINTER, (ctypes.POINTER(Utterance),)),
    "utt_relation": (_POINTER, (ctypes.POINTER(Utterance), _TEXT)),
    "delete_utterance": (None, (ctypes.POINTER(Utterance),)),
    "new_audio_streaming_info": (ctypes.POINTER(Stream), ()),
    "audio_streaming_info_val": (_POINTER, (ctypes.POINTER(Stream),)),
    "feat_set": (None, (_POINTER, _TEXT, _POINTER)),
    "feat_set_float": (None, (_POINTER, _TEXT, ctypes.c_float)),
    "get_param_float": (ctypes.c_float, (_POINTER, _TEXT, ctypes.c_float)),
    "relation_head": (_POINTER, (_POINTER,)),
    "item_next": (_POINTER, (_POINTER,)),
    "item_daughter": (_POINTER, (_POINTER,)),
    "ffeature_float": (ctypes.c_float, (_POINTER, _TEXT)),
}


def load_flite() -> Any:
    """The library with its functions declared.

    Raises:
        ProviderUnavailable: it is not installed; the message has the command.
    """
    library = _load("libflite.so.1")
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.flite_init()
    return library


def load_voice(name: str) -> Any:
    """A voice of `VOICES`, registered once.

    Raises:
        ProviderUnavailable: it is not installed; the message has the command.
    """
    register = getattr(_load(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
    register.restype, register.argtypes = ctypes.POINTER(Voice), (_TEXT,)
    return register(None)


def _load(name: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise ProviderUnavailable(
            f"{name} cannot be loaded: {INSTALL}", provider="flite"
        ) from error
