"""Listening to recordings before callers do: length, format, level, silence."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from referral_line.errors import Fault, Severity
from referral_line.languages.recordings import Recording, digest, find_recordings

Samples = npt.NDArray[np.floating[Any]]

FORMATS = ("WAV", "MP3")
"""Containers that the carrier plays (twilio.com/docs/voice/twiml/play) and any recorder writes."""
LEAST_RATE = 8000
"""Samples a second; a telephone carries no more."""
SLOWEST, FASTEST = 3.0, 30.0
"""Characters spoken in a second, over all scripts; beyond these, it is another text."""
SLACK_SECONDS = 2.0
"""Longer than the text needs, for a breath before and after."""
QUIETEST_DB, LOUDEST_DB = -35.0, -9.0
"""Average level against full scale, pauses left out."""
CLIPPED = 0.999
"""A peak at full scale is cut off, and crackles."""
SILENT_DB = -50.0
LONGEST_SILENCE = 2.5
"""Seconds of silence after which a caller thinks that the line is dead."""
_FRAME_SECONDS = 0.05


def check_recordings(folder: Path, wanted: Iterable[Recording]) -> list[Fault]:
    """Look at every recording a language needs: there, readable, as long as its text, loud enough.

    Files that belong to no text of today are warnings: their words have changed.
    """
    found = find_recordings(folder)
    faults = []
    needed = set()
    for recording in wanted:
        key = digest(recording.text)
        needed.add(key)
        name = found.get(key)
        if name is None:
            text = f"is missing; read aloud: {recording.text}"
            faults.append(Fault(str(folder / f"{recording.name}.wav"), None, "recording", text))
            continue
        path = folder / name
        faults += [
            Fault(str(path), None, "recording", text) for text in listen(path, recording.text)
        ]
    for key, name in found.items():
        if key not in needed:
            text = "belongs to no text of today; its words have changed: take it away"
            faults.append(Fault(str(folder / name), None, "recording", text, Severity.WARNING))
    return faults


def listen(path: Path, text: str) -> Iterator[str]:
    """Yield what is wrong with a recording of a text."""
    try:
        with soundfile.SoundFile(path) as sound:
            kind, rate = str(sound.format), int(sound.samplerate)
            samples = sound.read(dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.SoundFileError, OSError) as error:
        yield f"can't be played: {error}; save it as WAV or MP3"
        return
    if kind not in FORMATS:
        yield f"is {kind}; the carrier plays {' and '.join(FORMATS)}"
    if rate < LEAST_RATE:
        yield f"has {rate} samples a second; {LEAST_RATE} at least"
    seconds = len(samples) / rate
    shortest, longest = len(text) / FASTEST, len(text) / SLOWEST + SLACK_SECONDS
    if not shortest <= seconds <= longest:
        yield (
            f"lasts {seconds:.1f} seconds; its text takes {shortest:.1f} to {longest:.1f}: "
            "it is another text, or cut off"
        )
    yield from _hear(samples, rate)


def _hear(samples: Samples, rate: int) -> Iterator[str]:
    """Yield what is wrong with how loud it is, and where it is silent."""
    size = max(1, int(rate * _FRAME_SECONDS))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    levels = _decibels(np.sqrt(np.mean(np.square(frames), axis=1))) if len(frames) else np.zeros(0)
    spoken = levels > SILENT_DB
    if not spoken.any():
        yield "is silent"
        return
    level = float(_decibels(np.sqrt(np.mean(np.square(frames[spoken]), keepdims=True))).max())
    if not QUIETEST_DB <= level <= LOUDEST_DB:
        yield f"is at {level:.0f} dB; speak so that it is {QUIETEST_DB:.0f} to {LOUDEST_DB:.0f} dB"
    if float(np.abs(samples).max()) >= CLIPPED:
        yield "is cut off at its loudest; record it with the level lower"
    longest = _longest_run(~spoken) * _FRAME_SECONDS
    if longest > LONGEST_SILENCE:
        yield f"has {longest:.1f} seconds of silence; {LONGEST_SILENCE} at most"


def _decibels(level: Samples) -> Samples:
    decibels: Samples = 20 * np.log10(np.maximum(level, 1e-9))
    return decibels


def _longest_run(quiet: npt.NDArray[np.bool_]) -> int:
    """Count the longest run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet.astype(int), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
