"""What is believed of ``gh``'s answers, and what it is told and lent."""

from __future__ import annotations

import json
import os
import sys

import pytest

from orchestrator.environment import owner_environment
from orchestrator.errors import HandoverHeld
from orchestrator.handover.gh import PullRequests
from orchestrator.handover.pull_request import Hosted

pytestmark = pytest.mark.anyio
AT = Hosted("forge.invalid", "ada", "shop")
PULL = {
    "number": 7,
    "html_url": "https://forge.invalid/ada/shop/pull/7",
    "state": "open",
    "merged_at": None,
    "merge_commit_sha": "e" * 40,
    "head": {"sha": "a" * 40},
}


@pytest.fixture
def host(tmp_path):
    """A ``gh`` that prints the file ``answer`` and ends with the code in ``code``."""
    gh = tmp_path / "gh"
    (tmp_path / "code").write_text("0")
    gh.write_text(
        f"#!/bin/sh\ncd '{tmp_path}'\nenv > env\nprintf '%s\\n' \"$@\" > argv\ncat > stdin\n"
        "cat answer\necho 'gh: no (HTTP 404)' >&2\nexit $(cat code)\n"
    )
    gh.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GH_TOKEN": "t", "SECRET": "s"}
    return PullRequests({**environ, "CLERK_TOKEN": "c", "GIT_DIR": "/x", "GH_DEBUG": "1"})


async def test_words_go_in_on_standard_input_and_never_as_arguments(host, tmp_path):
    (tmp_path / "answer").write_text(json.dumps(PULL))
    title = '--method=DELETE $(x) "'
    found = await host.create(AT, "clerk/p/t", "main", title=title, body="--input=/etc/passwd")
    assert found.url == PULL["html_url"]
    assert (tmp_path / "argv").read_text().splitlines() == [
        "api", "--hostname=forge.invalid", "--method=POST", "--input=-", "repos/ada/shop/pulls",
    ]  # fmt: skip
    assert json.loads((tmp_path / "stdin").read_text())["title"] == title
    env = (tmp_path / "env").read_text()
    assert "GH_TOKEN=t\n" in env
    assert not any(name in env for name in ("SECRET", "CLERK_TOKEN", "GIT_DIR", "GH_DEBUG"))


async def test_a_trial_merge_of_an_open_one_is_no_merge(host, tmp_path):
    (tmp_path / "answer").write_text(json.dumps([PULL]))
    found = await host.open_one(AT, "clerk/p/t", "main")
    assert found is not None
    assert found.merge_commit == ""
    closed = PULL | {"state": "closed", "merged_at": "2026-01-01T00:00:00Z"}
    (tmp_path / "answer").write_text(json.dumps(closed))
    assert (await host.look(AT, 7)).merge_commit == "e" * 40


async def test_only_this_repositorys_own_branch_is_asked_for(host, tmp_path):
    (tmp_path / "answer").write_text("[]")
    assert await host.open_one(AT, "clerk/p/t", "a&b=c") is None
    asked = (tmp_path / "argv").read_text().splitlines()[-1]
    assert asked.endswith("pulls?state=open&head=ada%3Aclerk/p/t&base=a%26b%3Dc")


@pytest.mark.parametrize(
    "answer",
    [
        "", "nonsense", "[]", "{}", json.dumps(PULL | {"head": {"sha": "--force"}}),
        json.dumps(PULL | {"html_url": "javascript:alert(1)"}),
        json.dumps(PULL | {"html_url": "https://forge.invalid/ada/shop/pull/7\u202e"}),
    ],
)  # fmt: skip
async def test_an_answer_of_another_shape_is_refused_in_a_sentence(host, tmp_path, answer):
    (tmp_path / "answer").write_text(answer)
    with pytest.raises(HandoverHeld, match="no pull request"):
        await host.look(AT, 7)


async def test_its_complaint_is_told(host, tmp_path):
    (tmp_path / "code").write_text("1")
    told = {"": "", "{}": "", '{"errors": [{"message": "No commits"}]}': ": No commits"}
    for answer, more in told.items():
        (tmp_path / "answer").write_text(answer)
        with pytest.raises(HandoverHeld, match=rf"^gh failed: gh: no \(HTTP 404\){more}; is ada"):
            await host.look(AT, 7)


async def test_without_gh_the_mend_is_told(tmp_path):
    with pytest.raises(HandoverHeld, match="gh auth login"):
        await PullRequests({"PATH": str(tmp_path)}).look(AT, 7)


def test_the_owners_tools_get_logins_and_not_our_own_python():
    env = owner_environment(
        {"HOME": "/h", "SSH_AUTH_SOCK": "/s", "PYTHONPATH": "/p", "PATH": f"{sys.prefix}/bin:/bin"}
    )
    assert env == {
        "HOME": "/h", "SSH_AUTH_SOCK": "/s", "PATH": "/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"
    }  # fmt: skip
