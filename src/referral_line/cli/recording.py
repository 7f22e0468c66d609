"""Commands for recorded speech: what to record, and whether it is good."""

import os

import click

from referral_line.cli.checking import report
from referral_line.cli.translating import find_catalogue
from referral_line.languages.listening import check_recordings
from referral_line.replies.line import audio_folder, list_texts_to_record
from referral_line.settings import load_settings


@click.group()
def recordings() -> None:
    """Recorded speech, for languages without a voice of the carrier's."""


@recordings.command("list")
@click.argument("tag")
def list_texts(tag: str) -> None:
    """Print the sheet of texts to read aloud, each with the name of its file.

    Save each as WAV or MP3, one voice throughout, in the folder that the sheet names. The name ends
    in a mark of the words: where words or numbers change, a new recording is needed.
    """
    settings = load_settings(os.environ)
    known = find_catalogue(tag, settings)
    texts = list_texts_to_record(settings, known)
    click.echo(f"# {len(texts)} texts to read aloud. Folder: {audio_folder(settings) / known}")
    for recording in texts:
        click.echo(f"\n{recording.name}.wav\n{recording.text}")


@recordings.command("check")
@click.argument("tag")
def check(tag: str) -> None:
    """Listen to every recording of a language before callers do.

    Each must be there, WAV or MP3, about as long as its text takes, neither faint nor cut off, and
    without a silence that sounds like a dead line. Exit code 1 if anything is found.
    """
    settings = load_settings(os.environ)
    known = find_catalogue(tag, settings)
    wanted = list_texts_to_record(settings, known)
    faults = check_recordings(audio_folder(settings) / known, wanted)
    report(faults, f"{len(wanted)} texts in {known}", is_strict=False)
