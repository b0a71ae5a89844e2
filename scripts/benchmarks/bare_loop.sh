#!/bin/sh
# bare_loop.sh COUNT PARALLEL AGENT: the git work of COUNT tasks, and nothing else.
#
# What a careful person would write: a worktree and a branch each, the agent, a commit, the check on
# the branch, a merge, the check on what was merged, tidying up. Locks only where git needs them
# (parallel `worktree add`s fail) and where landing is one at a time by its nature.
set -eu
[ "${4-}" ] || {
    git worktree add -q ../landing main
    seq -f t%.0f 0 $(($1 - 1)) | xargs -P "$2" -n 1 "$0" "$1" "$2" "$3"
    git worktree remove ../landing
    exit
}
export task="$4"
tree=../trees/$task
flock .git/adding git worktree add -q -b "b/$task" "$tree" main
(
    cd "$tree"
    sh -c "$3"
    git add -A
    git commit -qm "task $task"
    sh -c 'test -s src0/file0.txt'
)
flock .git/landing sh -ec "
    cd ../landing
    git merge -q --no-ff -m 'land $task' b/$task
    sh -c 'test -s src0/file0.txt'
"
flock .git/adding git worktree remove "$tree"
