"""The place where a session of one task works: what it may reach, and how its work comes home.

Made before the session's first command and left after its last. Confined, the place is the task's
worktree, a private view of the repository and a private home, with what the plan and the agent
need lent to it; unconfined it is the worktree and the user's own environment, marked as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from orchestrator import sandboxes
from orchestrator.borders.homecoming import Brought
from orchestrator.borders.way_out import connected
from orchestrator.crash_points import crash_point
from orchestrator.environment import check_environment, confined_environment, session_environment
from orchestrator.errors import GitError
from orchestrator.events import EventKind
from orchestrator.plan.model import Needs
from orchestrator.sessions.command import session_command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager

    from orchestrator.agents.protocol import Agent
    from orchestrator.borders.enclosures import Enclosed
    from orchestrator.gateway import Gateway
    from orchestrator.git.command import WorkTree
    from orchestrator.plan.model import AgentProfile, Plan
    from orchestrator.records import TaskRecord
    from orchestrator.sandboxes import Confinement, Sandbox
    from orchestrator.site import Site


_RESCUE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """Where one session works; ``env`` is its complete environment, ``setup_env`` that of setup."""

    site: Site
    sandbox: Sandbox
    tree: WorkTree
    record: TaskRecord
    enclosed: Enclosed
    env: dict[str, str]
    setup_env: dict[str, str]
    needs: Needs
    setup_hosts: tuple[str, ...]

    async def rescue(self) -> None:
        """Take in what a session committed that is being stopped, before the stop goes on."""
        with anyio.move_on_after(_RESCUE_SECONDS, shield=True):
            try:
                await self.bring_home()
            except GitError as error:
                message = f"what the session committed is not on its branch yet: {error}"
                record = self.record
                self.site.ledger.tell(EventKind.WARNING, message, plan=record.plan, task=record.id)

    async def make_over(self) -> None:
        """Hand the folders to the session, once the engine has written there."""
        await self.enclosed.confinement.make_over()

    def connected(self, gateway: Gateway | None) -> AbstractAsyncContextManager[Confinement]:
        """What the session's jobs are confined to, with the network that it needs."""
        return self._with_hosts(self.needs.network, gateway)

    def connected_setup(self) -> AbstractAsyncContextManager[Confinement]:
        """The same for setup commands, which are the plan's own and know no agent's secret."""
        return self._with_hosts(self.setup_hosts, None)

    def _with_hosts(
        self, hosts: tuple[str, ...], gateway: Gateway | None
    ) -> AbstractAsyncContextManager[Confinement]:
        site, plan, task = self.site, self.record.plan, self.record.id

        def tell(host: str) -> None:
            message = f"the sandbox refused to reach {host}; needs.network lists what it may"
            site.ledger.tell(EventKind.WARNING, message, plan=plan, task=task)

        return connected(
            self.enclosed.confinement,
            hosts,
            gateway,
            log=site.records.logs(plan, task) / "network.log",
            on_refused=tell,
        )

    async def bring_home(self) -> Brought:
        """Take in what the session committed."""
        return await bring_home(self.site, self.record, self.tree)


async def open_place(
    site: Site,
    *,
    plan: Plan,
    profile: AgentProfile,
    agent: Agent,
    tree: WorkTree,
    record: TaskRecord,
) -> SessionPlace:
    """The place for the next session in ``tree``, whose former one's work must be home.

    Raises SetupFailed when something to lend is missing.
    """
    sandbox = sandboxes.load(site.records.book.record(plan.name).sandbox)
    needs = joined((plan.worktree.needs, profile.needs, agent.needs))
    command = session_command(site.records.repository.state_dir)
    enclosed = await site.enclosures.of_session(
        sandbox,
        tree,
        who=f"{record.plan}/{record.id}",
        branch=record.branch,
        lent=needs.paths,
        optional=agent.needs.paths,
        readable=(site.records.logs(record.plan, record.id), *command.readable),
        door=site.doorkeeper.socket,
    )
    env = _session_env(site, plan, profile, sandbox, needs)
    env["PATH"] = f"{command.folder}:{env['PATH']}"
    setup_env = _setup_env(site, plan, sandbox)
    return SessionPlace(
        site, sandbox, tree, record, enclosed, env, setup_env, needs, plan.worktree.needs.network
    )


def _session_env(
    site: Site, plan: Plan, profile: AgentProfile, sandbox: Sandbox, needs: Needs
) -> dict[str, str]:
    own, theirs = plan.worktree.env, profile.env
    if not sandbox.confines:
        return session_environment(
            site.environ, identity=site.user, plan_env=own, profile_env=theirs
        )
    return confined_environment(
        site.environ, lent=needs.env, identity=site.user, plan_env=own, profile_env=theirs
    )


def _setup_env(site: Site, plan: Plan, sandbox: Sandbox) -> dict[str, str]:
    wanted = plan.worktree
    if not sandbox.confines:
        return check_environment(site.environ, lent=wanted.needs.env, plan_env=wanted.env)
    return confined_environment(
        site.environ, lent=wanted.needs.env, plan_env=wanted.env, measured=True
    )


def joined(all_needs: Iterable[Needs]) -> Needs:
    """Everything that any of them needs, each thing once."""
    listed = tuple(all_needs)
    return Needs(
        **{
            name: tuple(dict.fromkeys(item for needs in listed for item in getattr(needs, name)))
            for name in Needs.model_fields
        }
    )


async def bring_home(site: Site, record: TaskRecord, tree: WorkTree) -> Brought:
    """Take in what a session left in its private view, if it had one and it is not home yet.

    Also after a crash, when the session that left it is long dead.
    """
    folder = site.enclosures.view_of(f"{record.plan}/{record.id}")
    view = site.git.views.find(folder, tree)
    if view is None:
        return Brought()
    brought = await site.homecoming.bring(
        view,
        tree,
        sandbox=sandboxes.load(view.sandbox),
        plan=record.plan,
        task=record.id,
        branch=record.branch,
        base=record.base,
        env=confined_environment(site.environ),
    )
    site.git.views.forget(folder)
    crash_point("view.forgotten")
    return brought


def is_abroad(site: Site, record: TaskRecord, tree: WorkTree) -> bool:
    """Whether a session's view is not home yet: its engine died, or the import failed."""
    folder = site.enclosures.view_of(f"{record.plan}/{record.id}")
    return site.git.views.find(folder, tree) is not None
