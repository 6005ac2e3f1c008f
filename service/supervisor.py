"""Several processes of the service behind one port: started, started again when one dies, told to reload, ended together."""

import logging
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess

from service.metrics import FOLDER_VARIABLE

FAILED = 1
_TICK = 0.2
_QUICK_DEATH = 5.0  # seconds; who dies sooner after its start would do so again and again
_MOST_QUICK_DEATHS = 5
_GRACE = 5.0  # on top of what the processes take for themselves

logger = logging.getLogger("policy_themes.supervisor")


class Supervisor:
    """Keeps `count` processes at `work`."""

    def __init__(self, work: Callable[[], None], count: int, *, end_seconds: float) -> None:
        """Take on the work.

        Args:
            work: what each process does, until it gets SIGTERM; it is sent to a new Python, so a function of a module.
            count: of processes.
            end_seconds: how long each may take to end.
        """
        self._work = work
        self._count = count
        self._end_seconds = end_seconds
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[SpawnProcess, float] = {}
        self._quick_deaths = 0
        self._ending = False

    def run(self) -> int:
        """Until a signal says to end, or the work cannot even begin; returns the exit code."""
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._end)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._pass_on)
        with tempfile.TemporaryDirectory(prefix="policy-themes-metrics-", ignore_cleanup_errors=True) as folder:
            os.environ[FOLDER_VARIABLE] = folder
            for _ in range(self._count):
                self._start()
            while not self._ending:
                time.sleep(_TICK)
                for process in [process for process in self._processes if not process.is_alive()]:
                    self._replace(process)
            self._stop()
        return FAILED if self._quick_deaths > _MOST_QUICK_DEATHS else 0

    def _start(self) -> None:
        process = self._context.Process(target=self._work)
        process.start()
        self._processes[process] = time.monotonic()

    def _replace(self, process: SpawnProcess) -> None:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 (seldom needed)

        lived = time.monotonic() - self._processes.pop(process)
        logger.error("process %s ended with %s; starting another", process.pid, process.exitcode)
        mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        self._quick_deaths = self._quick_deaths + 1 if lived < _QUICK_DEATH else 0
        if self._quick_deaths > _MOST_QUICK_DEATHS:
            logger.error("processes end as soon as they begin; giving up")
            self._ending = True
            return
        self._start()

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + self._end_seconds + _GRACE
        for process in self._processes:
            process.join(max(deadline - time.monotonic(), 0))
            if process.is_alive():
                logger.error("process %s does not end; killed", process.pid)
                process.kill()
                process.join()

    def _end(self, _signal: int, _frame: object) -> None:
        self._ending = True

    def _pass_on(self, number: int, _frame: object) -> None:
        for process in list(self._processes):
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, number)
