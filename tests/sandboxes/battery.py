"""What a hostile session tries, as data: shell lines, each with a name that says what it is after.

A line ends with 0 when it got what it wanted. Some are let have it, because what they get is the
session's own (its private repository, its temporary space): of these only counts what is changed
outside. The words in capitals are facts about the ground they stand on (``ground.Ground.facts``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attack:
    """One line; ``own`` when it may well succeed on what is the session's own.

    ``by_root``: unconfined it takes root's rights to bite.
    """

    line: str
    own: bool = False
    by_root: bool = False


def python(code: str) -> str:
    return f"\"$PY\" -I -S -c 'import os,sys,socket,ctypes; libc=ctypes.CDLL(None,use_errno=True)\n{code}'"


def call(arguments: str) -> str:
    """A system call by its number; succeeds unless it is refused."""
    return python(f"sys.exit(libc.syscall({arguments}) < 0)")


def connect(family: str, place: str, kind: str = "STREAM") -> str:
    return python(
        f"s=socket.socket(socket.{family}, socket.SOCK_{kind}); s.settimeout(3); "
        f's.connect({place}); s.send(b"hello")'
    )


HOME_FILES = {
    "write to the user's home": 'echo x >>"$UHOME/.bashrc"',
    "let oneself in by ssh": 'echo key >"$UHOME/.ssh/authorized_keys"',
    "delete a key": 'rm "$UHOME/.ssh/id"',
    "open a key to all": 'chmod 666 "$UHOME/.ssh/id"',
    "move the home away": 'mv "$UHOME" "$UHOME.gone"',
    "read a key": 'grep -q PRIVATE "$UHOME/.ssh/id"',
    "list the home": 'ls "$UHOME"/.ssh',
    "hard-link a key in": 'ln "$UHOME/.ssh/id" key && grep -q PRIVATE key',
}

CHECKOUT = {
    "overwrite a file of the main checkout": 'echo x >"$MAIN/first.txt"',
    "append to one": 'echo x >>"$MAIN/first.txt"',
    "create one": 'echo x >"$MAIN/$NONCE"',
    "create a folder": 'mkdir "$MAIN/$NONCE"',
    "delete one": 'rm "$MAIN/first.txt"',
    "cut one by its name": 'truncate -s 0 "$MAIN/first.txt"',
    "change its mode": 'chmod 777 "$MAIN/first.txt"',
    "rename one": 'mv "$MAIN/first.txt" "$MAIN/other.txt"',
    "write through a link": 'ln -s "$MAIN/first.txt" l && echo x >>l',
    "write through a hard link": 'ln "$MAIN/first.txt" h && echo x >>h',
    "swap it with one of ours": 'echo x >t && mv -T t "$MAIN/first.txt"',
    "by the root of another process": 'echo x >>"/proc/$VICTIM/root$MAIN/first.txt"',
    "by the root of the parent": 'echo x >>"/proc/$PPID/root$MAIN/first.txt"',
    "move the checkout away": 'mv "$MAIN" "$MAIN.gone"',
    "write beside the worktree": 'echo x >"$WT/../$NONCE"',
}
"""Where it is not to be seen, there may be an empty folder of the session's own in its place."""

WORKTREES = {
    "read what was never committed": 'grep -q DRAFT "$MAIN/draft.txt"',
    "read another worktree": 'cat "$OTHER/other.txt"',
    "write in another worktree": 'echo x >>"$OTHER/other.txt"',
    "commit in another worktree": 'git -C "$OTHER" commit -q --allow-empty -m forged',
    "write in a checkout of the pool": 'echo x >>"$POOL/check.sh"',
    "plant a link in the pool": 'ln -s /etc "$POOL/etc"',
    "lead the worktree elsewhere": 'echo "gitdir: $WT/evil" >.git',
    "replace the worktree's .git": "rm .git && mkdir .git",
    "move a .git over it": 'echo "gitdir: $WT/evil" >e && mv -f e .git',
    "rename the worktree": 'mv "$WT" "$WT.gone"',
    "swap the worktree for a link": 'cp -r "$WT" "$TMPDIR/c" && rm -rf "$WT" && ln -s "$MAIN" "$WT"',
}

REPOSITORY = {
    "forge main by update-ref": "$FORGE && git update-ref refs/heads/main HEAD",
    "forge main by its file": '$FORGE && mkdir -p "$GITDIR/refs/heads" && git rev-parse HEAD >"$GITDIR/refs/heads/main"',
    "forge main by packed-refs": '$FORGE && echo "$(git rev-parse HEAD) refs/heads/main" >"$GITDIR/packed-refs" && rm -f "$GITDIR/refs/heads/main"',
    "forge main by branch -f": "$FORGE && git branch -f main HEAD",
    "forge main by push": "$FORGE && git push -q . HEAD:main",
    "forge main by fetch": "$FORGE && git fetch -q . +HEAD:main",
    "make the own branch a pointer to main": "git symbolic-ref refs/heads/clerk/p/mine refs/heads/main && $FORGE",
    "commit on main by HEAD": "git symbolic-ref HEAD refs/heads/main && $FORGE",
    "delete another task's branch": "git update-ref -d refs/heads/clerk/p/other",
    "tag": "git tag evil",
    "stash": "echo x >first.txt && git stash -q",
    "set a hooks path": "git config core.hooksPath /evil",
    "set a file system monitor": 'git config core.fsmonitor "touch $UHOME/pwned"',
    "add a hook": 'mkdir -p "$GITDIR/hooks" && echo "touch pwned" >"$GITDIR/hooks/post-commit" && chmod +x "$GITDIR/hooks/post-commit"',
    "set attributes for all": 'mkdir -p "$GITDIR/info" && echo "* filter=evil" >"$GITDIR/info/attributes"',
    "borrow from elsewhere": 'echo "$WT" >>"$GITDIR/objects/info/alternates"',
    "replace a commit": 'git replace main "$(git commit-tree -m x "main^{tree}")"',
    "graft history": 'git rev-parse HEAD >"$GITDIR/shallow"',
    "collect garbage": "git reflog expire --expire=now --all; git gc -q --prune=now",
    "repack all": "git repack -qadf",
    "garble objects": 'IFS=:; for o in $OBJECTS; do find "$o" -type f -exec chmod u+w {} + -exec sh -c "for f; do echo x >>\\"\\$f\\"; done" sh {} +; done; true',
    "delete objects": 'IFS=:; for o in $OBJECTS; do rm -rf "$o"/??; done; true',
    "plant an object": 'IFS=:; for o in $OBJECTS; do mkdir -p "$o/ff" && echo x >"$o/ff/$NONCE"; done; true',
    "forget another worktree": 'rm -rf "$GITDIR/worktrees/other"',
    "remove another worktree": 'git worktree remove --force "$OTHER"',
    "turn another worktree's HEAD": 'echo "ref: refs/heads/evil" >"$GITDIR/worktrees/other/HEAD"',
    "delete the whole repository": 'find "$GITDIR" -mindepth 1 -delete; true',
}  # fmt: skip

STATE = {
    "write to the database": 'echo x >>"$STATE/clerk.db"',
    "delete the database": 'rm "$STATE/clerk.db"',
    "delete the state": 'rm -r "$STATE"',
    "take the engine's lock": 'flock -n "$STATE/lock" true',
    "read another task's prompt": 'grep -q SECRET "$STATE/logs/p/other/1/prompt.md"',
    "read another session's token": 'grep -q token "$STATE/tokens"',
    "write to another's log": 'echo x >>"$STATE/logs/p/other/1/prompt.md"',
    "read another task's home": 'ls "$STATE/enclosures/p/other/home"',
}

SYSTEM = {
    "make a file in /etc": ('echo x >"/etc/$NONCE"', True),
    "add an account": ("echo evil::0:0::/:/bin/sh >>/etc/passwd", True),
    "make a program": ('echo x >"/usr/local/$NONCE"', True),
    "change a setting of the kernel": ('v=$(cat /proc/sys/vm/swappiness) && echo "$v" >/proc/sys/vm/swappiness', True),
    "move processes between control groups": (': >>"$CGROUP"', True),
    "make a device": ("mknod n c 1 3 && echo x >n", True),
    "mount": ("mkdir -p m && mount -t tmpfs none m", True),
    "mount the root anew": ("mount -o remount,bind,rw /", True),
    "become root": (python("os.setuid(0)"), True),
    "become somebody": (python("os.setuid(12345)"), True),
    "set the host's name": (python("name=socket.gethostname(); socket.sethostname(name)"), True),
    "read the kernel's log": ("dd if=/dev/kmsg of=/dev/null bs=9000 count=1 iflag=nonblock", True),
}  # fmt: skip

KERNEL = {
    "make a user namespace": (call("272, 0x10000000"), False),
    "make a mount namespace": (call("272, 0x20000"), True),
    "a key ring": (call("250, 0, -3, 1"), False),
    "io_uring": (python("p=ctypes.create_string_buffer(120); sys.exit(libc.syscall(425, 1, p) < 0)"), False),
    "a packet socket": (python("socket.socket(17, 3)"), True),
    "a socket to the hypervisor": (python("socket.socket(40, 1)"), False),
}  # fmt: skip

OTHERS = {
    "see another process": 'grep -qa "$MARK" "/proc/$VICTIM/cmdline"',
    "read its environment": 'grep -qa "c0nf[i]dential" "/proc/$VICTIM/environ"',
    "find a secret in any environment": 'cat /proc/[0-9]*/environ 2>/dev/null | grep -qa "c0nf[i]dential"',
    "read its files": 'ls "/proc/$VICTIM/root/" && ls "/proc/$VICTIM/fd/" && grep -qa "$MARK" "/proc/$VICTIM/cmdline"',
    "trace it": python('sys.exit(libc.ptrace(16, int(os.environ["VICTIM"]), 0, 0) < 0)'),
    "renice it": 'renice -n 5 -p "$VICTIM"',
    "limit it": 'prlimit --pid "$VICTIM" --nofile=100:100',
    "stop it": 'kill -STOP "$VICTIM"',
    "kill it": 'kill -9 "$VICTIM"',
    "remove shared memory": 'ipcrm -m "$SHM"',
}

NETWORK = {
    "reach a port of this machine": connect("AF_INET", '("127.0.0.1", int(os.environ["PORT"]))'),
    "reach a named socket": connect("AF_UNIX", 'os.environ["SOCK"]'),
    "reach a socket without a file": connect("AF_UNIX", 'b"\\0" + os.environ["ABSTRACT"].encode()'),
}  # fmt: skip

UNANSWERED = {
    "send a datagram": connect("AF_INET", '("127.0.0.1", int(os.environ["UDP"]))', "DGRAM"),
}

ROOM = {
    "fill /tmp": f'head -c {24 << 20} /dev/zero >"/tmp/fill.$NONCE"',
    "fill /var/tmp": f'head -c {24 << 20} /dev/zero >"/var/tmp/fill.$NONCE"',
    "fill /dev/shm": f'head -c {24 << 20} /dev/zero >"/dev/shm/fill.$NONCE"',
    "fill /dev": f'head -c {24 << 20} /dev/zero >"/dev/fill.$NONCE"',
    "fill one file": f'head -c {40 << 20} /dev/zero >"$TMPDIR/../big" || head -c {40 << 20} /dev/zero >big',
    "start processes without end": python(
        "import signal\npids=[]\nbad=0\n"
        "for n in range(90):\n"
        " try: pid=os.fork()\n"
        " except OSError: bad=1; break\n"
        " if not pid: signal.pause(); os._exit(0)\n"
        " pids.append(pid)\n"
        "for pid in pids: os.kill(pid, 9)\n"
        "sys.exit(bad)"
    ),
    "open files without end": python('fds=[open("/dev/null") for n in range(300)]'),
}

DAEMONS = {
    "leave a child": 'sleep "$LINGER" & until grep -q sleep /proc/$!/comm; do sleep 0.01; done',
    "leave a daemon": 'setsid -w sh -c "sleep $LINGER & until grep -q sleep /proc/\\$!/comm; do sleep 0.01; done; sleep $LINGER &" </dev/null >/dev/null 2>&1',
    "leave one that ignores all": '(trap "" TERM INT HUP; setsid env -i PATH="$PATH" nohup sleep "$LINGER" >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do sleep 0.01; done)',
    "leave a stopped one": 'setsid env -i "$(command -v sleep)" "$LINGER" >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do sleep 0.01; done; kill -STOP $!',
}

EVERYWHERE = {
    "write in every folder there is": python(
        "made=0\n"
        'own=os.environ["OWN"].split(":")\n'
        'for top in os.environ["TOPS"].split(":"):\n'
        " for place, folders, files in os.walk(top):\n"
        "  folders[:]=[f for f in folders if os.path.join(place, f) not in own]\n"
        "  if not os.access(place, os.W_OK): continue\n"
        '  try: open(os.path.join(place, os.environ["NONCE"]), "w"); made+=1\n'
        "  except OSError: pass\n"
        "sys.exit(not made)"
    ),
}


def _attacks() -> dict[str, Attack]:
    plain = {**EVERYWHERE, **HOME_FILES, **WORKTREES, **STATE, **OTHERS, **NETWORK, **ROOM}
    found = {name: Attack(line) for name, line in plain.items()}
    found |= {
        name: Attack(line, own=True)
        for name, line in {**CHECKOUT, **REPOSITORY, **DAEMONS, **UNANSWERED}.items()
    }
    rights = {**SYSTEM, **KERNEL}
    found |= {name: Attack(line, by_root=root) for name, (line, root) in rights.items()}
    return found


ATTACKS = _attacks()
"""By name, in an order in which those that break much come late in their kind."""
