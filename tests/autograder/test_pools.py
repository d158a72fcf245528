"""Pools: jobs in processes that may die."""

from __future__ import annotations

import os
import time
from concurrent.futures import wait

import psutil
import pytest

from autograder.pools import Here, Processes, cores


def test_jobs_here():
    ended = []
    pool = Here(lambda: ended.append(True))
    assert pool.submit(os.getpid).result() == os.getpid()
    assert isinstance(pool.submit(int, "x").exception(), ValueError)
    assert pool.everywhere(os.getpid) == [os.getpid()]
    pool.stop()
    assert ended


@pytest.mark.slow
def test_a_process_that_dies_costs_its_job_alone():
    pool = Processes(2)
    try:
        pool.everywhere(os.umask, 0o071)
        lost, other = pool.submit(os._exit, 3), pool.submit(os.getpid)
        wait([lost, other])
        assert isinstance(lost.exception(), pool.lost)
        assert other.exception() is None
        # Whoever comes in its place knows what it knew.
        both = [pool.submit(os.umask, 0o071), pool.submit(os.umask, 0o071)]
        assert [future.result() for future in both] == [0o071, 0o071]
    finally:
        pool.stop()


@pytest.mark.slow
def test_what_is_under_way_is_ended_at_once(until):
    pool = Processes(1)
    pid = pool.everywhere(os.getpid)[0]
    future = pool.submit(time.sleep, 600)
    until(future.running)
    pool.stop()
    # Given up at once, and its process is collected a moment later.
    until(future.done)
    until(lambda: not psutil.pid_exists(pid))


def test_the_cores_of_this_process():
    assert 1 <= cores() <= (os.cpu_count() or 1)
