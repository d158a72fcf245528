"""What every workflow must hold to; `faults` says where one does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
SECRET = re.compile(r"\$\{\{[^}]*\bsecrets\b")
READS = {"contents": "read", "actions": "read"}


def faults(workflow: dict[str, Any], text: str) -> Iterator[str]:
    """Each broken rule, as a sentence."""
    triggers = workflow["on"]
    triggers = {triggers} if isinstance(triggers, str) else set(triggers)
    if "pull_request_target" in triggers:
        yield "pull_request_target runs with the repository's rights"
    if workflow.get("permissions") != {}:
        yield "permissions are not {} for the whole workflow"
    if "concurrency" not in workflow:
        yield "no concurrency"
    if SECRET.search(text):
        yield "a secret is used"
    for line in text.splitlines():
        used = line.strip().removeprefix("- ").partition("uses: ")
        if used[1] and not PINNED.match(used[2]):
            yield f"not pinned to a commit with its version: {used[2]}"
    for name, job in workflow["jobs"].items():
        if "timeout-minutes" not in job:
            yield f"{name}: no timeout-minutes"
        if "permissions" not in job:
            yield f"{name}: no permissions of its own"
        for permission, level in job.get("permissions", {}).items():
            commenting = triggers == {"workflow_run"} and permission == "pull-requests"
            if READS.get(permission) != level and not commenting:
                yield f"{name}: {permission}: {level}"
        for step in job["steps"]:
            action = step.get("uses", "").partition("@")[0]
            given = step.get("with", {})
            if action == "actions/checkout":
                if given.get("persist-credentials") is not False:
                    yield f"{name}: a checkout keeps its credentials"
                if "workflow_run" in triggers:
                    yield f"{name}: a workflow that may write checks something out"
            if "${{" in step.get("run", ""):
                yield f"{name}: an expression in a script"
