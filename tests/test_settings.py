"""Settings come from where they should, and a wrong one names its source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestrator.errors import UsageError
from orchestrator.settings import Settings, load_settings


def test_defaults_need_no_file_and_put_the_state_beside_it(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings.database == f"sqlite:///{tmp_path}/clerk.db"
    assert settings.sandbox == "auto"
    assert settings.verify_slots == len(os.sched_getaffinity(0))
    assert settings.update_checkout is False
    assert (settings.digest_tokens, settings.prompt_tokens) == (1500, 6000)


def test_the_file_is_stronger_than_defaults_and_the_environment_than_both(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        'verify_slots = 3\nupdate_checkout = true\ngrace_seconds = 1\ndatabase = "postgresql://h/n"'
    )
    environ = {"CLERK_VERIFY_SLOTS": "7", "CLERK_GRACE_SECONDS": "0.5", "VERIFY_SLOTS": "9"}
    settings = load_settings(tmp_path, environ)
    assert settings.verify_slots == 7
    assert settings.grace_seconds == 0.5
    assert settings.update_checkout is True
    assert settings.database == "postgresql://h/n"
    assert settings.digest_tokens == 1500


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"CLERK_DIGEST_TOKENS": ""}).digest_tokens == 1500


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("no", False)])
def test_switches_in_the_environment_are_words(tmp_path: Path, text: str, value: object) -> None:
    environ = {"CLERK_UPDATE_CHECKOUT": text}
    assert load_settings(tmp_path, environ).update_checkout is value


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("verify_slot = 2", r"settings\.toml: there is no setting 'verify_slot'; did you mean ve"),
        ("verify_slots = 0", r"settings\.toml: verify_slots is 0; it must be at least 1$"),
        ('verify_slots = "2"', r"settings\.toml: verify_slots is '2'; it must be a whole number$"),
        (
            "verify_slots = true",
            r"settings\.toml: verify_slots is True; it must be a whole number$",
        ),
        (
            "grace_seconds = nan",
            r"settings\.toml: grace_seconds is nan; it must be a finite number$",
        ),
        ('sandbox = "bwrap"', r"settings\.toml: sandbox is 'bwrap'; it must be .*'none'"),
        (
            'database = "clerk.db"',
            r"settings\.toml: database is 'clerk\.db'; it must be a URL like sqlite:////",
        ),
        (
            'database = "sqlite:///a.db"',
            r"database is 'sqlite:///a\.db'; it must be a URL like sqlite:////",
        ),
        ("verify_slots = ?", r"settings\.toml is not TOML: .*line 1"),
        ("verify_slots = " + "[" * 5000, r"settings\.toml is not TOML"),
        ("[verify]\nslots = 2", r"settings\.toml: there is no setting 'verify'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_mend(tmp_path: Path, toml: str, told: str) -> None:
    (tmp_path / "settings.toml").write_text(toml)
    with pytest.raises(UsageError, match=told):
        load_settings(tmp_path, {})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"verify_slots = 2 # \xff")
    with pytest.raises(UsageError, match=r"settings\.toml is not TOML"):
        load_settings(tmp_path, {})


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(UsageError, match=r"settings\.toml cannot be read"):
        load_settings(tmp_path, {})


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.toml")
    with pytest.raises(UsageError, match=r"settings\.toml cannot be read: it is no file"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("CLERK_VERIFY_SLOTS", "many", "CLERK_VERIFY_SLOTS is 'many'; it must be a whole number$"),
        ("CLERK_VERIFY_SLOT", "2", "no setting CLERK_VERIFY_SLOT; did you mean CLERK_VERIFY_SLOTS"),
        (
            "CLERK_DATABASE",
            "clerk.db",
            "CLERK_DATABASE is 'clerk.db'; it must be a URL like sqlite:////",
        ),
        (
            "CLERK_UPDATE_CHECKOUT",
            "perhaps",
            "CLERK_UPDATE_CHECKOUT is 'perhaps'; it must be true or false$",
        ),
    ],
)
def test_a_wrong_variable_is_refused_with_the_mend(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        load_settings(tmp_path, {name: text})


def test_all_problems_of_a_source_are_told_at_once(tmp_path: Path) -> None:
    environ = {"CLERK_VERIFY_SLOT": "2", "CLERK_DIGEST_TOKENS": "x", "CLERK_LOG_BYTES": "-1"}
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path, environ)
    assert len(str(caught.value).splitlines()) == 3


def test_variables_that_are_no_settings_are_let_alone(tmp_path: Path) -> None:
    load_settings(tmp_path, {"CLERK_TOKEN": "secret", "CLERK_SOCKET": "/run/clerk.sock"})


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    with pytest.raises(ValidationError):
        settings.verify_slots = 5


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    "url", ["example.org/hook", "ftp://example.org", "file:///etc/passwd", "x"]
)
def test_a_webhook_is_an_address_on_the_web(tmp_path, url):
    with pytest.raises(UsageError, match=r"CLERK_WEBHOOK is .* it must be .*https://host/path"):
        load_settings(tmp_path, {"CLERK_WEBHOOK": url})
    good = "https://example.org/hook?key=1"
    assert load_settings(tmp_path, {"CLERK_WEBHOOK": good}).webhook == good
