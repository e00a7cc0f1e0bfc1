"""The parent of several web workers: uvicorn's, which stays attentive while workers come and go."""

import signal
from socket import socket
from time import monotonic, sleep

import structlog
from uvicorn import Config
from uvicorn.supervisors.multiprocess import Multiprocess, Process

log = structlog.get_logger()
BOOT = 30
"""Seconds for a new worker to become ready in, and for a busy one to answer its parent, before it is killed."""
ENDS = frozenset({signal.SIGTERM, signal.SIGINT})


class Workers(Multiprocess):
    """SIGHUP replaces workers, each once its successor serves; SIGTTIN and SIGTTOU make one more or one less.

    uvicorn's own parent waits for each that ends, for as long as its drain takes, and hears nothing meanwhile: neither
    SIGTERM nor that another one died. And where one that died cannot be replaced at once, because Postgres is away, it ends
    those that serve.
    """

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self.served = False
        """At least one became ready."""
        self._leaving: list[Process] = []

    def keep_subprocess_alive(self) -> None:
        # Asking whether they are there buries those that are not.
        self._leaving = [process for process in self._leaving if process.process.is_alive()]
        for index, process in enumerate(self.processes):
            if process.is_ready(BOOT):
                self.served = True
            elif not process.is_alive(BOOT):
                process.kill()
                process.join()
                if not self.served:
                    # Nor would the next one: what is wrong was there from the beginning.
                    self.should_exit.set()
                    return
                log.warning("worker_died", pid=process.pid, exit=process.exitcode)
                self.processes[index] = self._started()

    def restart_all(self) -> None:
        for index, old in enumerate(self.processes):
            new = self._started()
            if not self._becomes_ready(new):
                new.kill()
                new.join()
                log.error("reload_given_up", kept=old.pid)
                return
            self.processes[index] = new
            self._retire(old)

    def handle_ttou(self) -> None:
        if len(self.processes) > 1:
            self._retire(self.processes.pop())

    def handle_ttin(self) -> None:
        self.processes.append(self._started())

    def join_all(self) -> None:
        super().join_all()
        for process in self._leaving:
            process.join()

    def _started(self) -> Process:
        process = Process(self.config, self.sockets)
        process.start()
        return process

    def _becomes_ready(self, process: Process) -> bool:
        deadline = monotonic() + BOOT
        while monotonic() < deadline and process.process.is_alive() and ENDS.isdisjoint(self.signal_queue):
            if process.is_ready(1):
                return True
            sleep(0.1)
        return False

    def _retire(self, process: Process) -> None:
        process.terminate()
        self._leaving.append(process)
