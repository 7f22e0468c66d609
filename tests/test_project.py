"""The project tells the truth about itself: docs, changelog, requirements, package."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conftest import ROOT
from referral_line import __version__
from referral_line.cli.commands import line as commands
from referral_line.settings import Settings

DOCS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
EVERYTHING = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)


def test_every_setting_is_documented() -> None:
    """Each variable stands in the table of deploying.md, and no other does."""
    text = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    written = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))
    assert written == {str(field.validation_alias) for field in Settings.model_fields.values()}


def leaves(command: click.Command, name: str) -> list[str]:
    """The names of a command and of everything below it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        return [
            leaf
            for child in command.list_commands(context)
            if (below := command.get_command(context, child))
            for leaf in leaves(below, f"{name} {child}".strip())
        ]
    return [name]


@pytest.mark.parametrize("command", leaves(commands, ""))
def test_every_command_is_documented(command: str) -> None:
    """Each command stands somewhere in the docs."""
    assert re.search(rf"(referral-line |`){command}\b", EVERYTHING)


def test_version_is_the_changelogs() -> None:
    """The newest entry of the changelog is the package's version."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert newest
    assert newest[1] == __version__


def test_links_between_docs_lead_somewhere() -> None:
    """Every relative link in the docs is a file, and its heading exists."""
    for path in DOCS:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text(encoding="utf-8")):
            name, _, heading = target.partition("#")
            found = (path.parent / name).resolve() if name else path
            assert found.exists(), f"{path.name}: {target}"
            if heading:
                title = heading.replace("-", " ")
                assert f"## {title}\n" in found.read_text(encoding="utf-8").casefold()


def test_readme_shows_the_real_first_message() -> None:
    """What the README promises a caller is what the line sends."""
    sent = CliRunner().invoke(commands, ["text", "--keys", ""]).stdout.split("\n  [")[0]
    assert f"\n{sent}\n```" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=str)
def test_requirements_are_pinned_with_hashes_and_without_addresses(path: Path) -> None:
    """Any index may serve them and none can swap a file."""
    text = path.read_text(encoding="utf-8")
    assert "http" not in re.sub(r"\b(httpx2|httpcore2|aiohttp[\w-]*|httptools)\b", "", text)
    for requirement in re.split(r"\n(?=[A-Za-z])", text):
        assert "==" in requirement
        assert "--hash=sha256:" in requirement


def test_every_dependency_has_its_reason() -> None:
    """Each library the package needs stands in architecture.md with its reason."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    reasons = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        assert re.split(r"[>=<]", requirement)[0] in reasons


def test_every_room_is_on_the_plan() -> None:
    """Each room of the package stands in architecture.md."""
    plan = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "src" / "referral_line").iterdir():
        if path.is_dir() and path.name != "__pycache__":
            assert f"| `{path.name}` |" in plan


def test_package_serves_by_itself(tmp_path: Path) -> None:
    """The wheel has catalogues, content and the simulator, and answers without the checkout."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)),
        ],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    folder = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    for name in (
        "locales/cy/LC_MESSAGES/messages.po",
        "content/script.toml",
        "languages/languages.toml",
        "web/static/simulator.html",
        "py.typed",
    ):
        assert (folder / "referral_line" / name).is_file()
    result = subprocess.run(
        [sys.executable, "-m", "referral_line", "text", "--language", "pl", "--keys", "1"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)},
    )
    assert "101" in result.stdout.decode("utf-8")


def test_texts_name_no_machine() -> None:
    """No doc or source has a path of somebody's machine."""
    pattern = re.compile(r"(^|[^A-Za-z0-9_])/(root|home/\w+|Users)/")
    for folder in ("src", "docs", "locales", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".md", ".toml", ".po", ".pot", ".js", ".html", ".css", ""}:
                assert not path.is_file() or not pattern.search(path.read_text(encoding="utf-8"))
