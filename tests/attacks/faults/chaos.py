"""The faults, in an order drawn from a seed, each at a random point of the stream of events.

Three threads: one attacks the receiver, one the loader, and one makes trouble beside them, so
that their faults overlap. What is drawn is the same for the same seed; the exact moment is the
machine's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import cycle
from random import Random

from tests.attacks.faults import restores, wal
from tests.attacks.faults.beside import TROUBLES, another_load, trouble
from tests.attacks.faults.events import seeded
from tests.attacks.faults.killing import WAIT_SECONDS, SystemFailed
from tests.attacks.faults.launcher import STEPS, TABLES
from tests.attacks.faults.oracle import Oracle
from tests.attacks.faults.system import System

RESTORED = "restored buffer"
RECEIVER_FAULTS = ("worker", "master", "clock set back", "torn log", RESTORED)
RECEIVER_WEIGHTS = (53, 25, 7, 11, 4)
CRASH, CONNECTIONS = "postgres crashes", "connections are ended"
"""Faults of a receiver whose buffer is in Postgres, for plans that name them."""
AT_RANDOM = "at random"
LOST, OLDER_SCHEMA, OLDER = "lost warehouse", "older schema", "older warehouse"
ANOTHER_LOAD = "another load"
WAREHOUSE_FAULTS = (LOST, OLDER_SCHEMA, OLDER, ANOTHER_LOAD)
KILLS_A_WAREHOUSE_FAULT = 10
KILLS_A_TROUBLE = 8
TROUBLE_PAUSE_SECONDS = 2.0
DLT_LOST_SHARE = 0.1
PATIENCE_SECONDS = 5.0  # for events between two faults, when nobody sends any

TEAR_TRIES = 5  # there is nothing to tear where the log was just folded back

Progress = Callable[[], int]
"""How many events are acknowledged so far."""


class Plan:
    """Which faults, in which order. Every kind is in a plan that is long enough for it."""

    def __init__(self, seed: int, kills: int) -> None:
        rng = seeded("plan", seed)
        at_receiver = kills // 2
        floor = list(RECEIVER_FAULTS) * min(2, at_receiver // 8 + 1)
        self.receiver = floor + rng.choices(
            RECEIVER_FAULTS, RECEIVER_WEIGHTS, k=max(0, at_receiver - len(floor))
        )
        rng.shuffle(self.receiver)
        at_loader = kills - at_receiver
        warehouse_faults = cycle(WAREHOUSE_FAULTS)
        at_warehouse = max(len(WAREHOUSE_FAULTS), at_loader // KILLS_A_WAREHOUSE_FAULT)
        self.loader = [next(warehouse_faults) for _ in range(at_warehouse)]
        # two of the other kills in three are placed, each step as often as the others
        steps = cycle(STEPS)
        self.loader += [
            AT_RANDOM if number % 3 == 2 else next(steps)
            for number in range(at_loader - len(self.loader))
        ]
        rng.shuffle(self.loader)
        troubles = cycle(TROUBLES)
        self.beside = [next(troubles) for _ in range(max(len(TROUBLES), kills // KILLS_A_TROUBLE))]
        rng.shuffle(self.beside)
        self.lose_dlt_at = {
            number for number in range(len(self.loader)) if rng.random() < DLT_LOST_SHARE
        }


class Chaos:
    """Carries out a plan on a system, while events are sent."""

    def __init__(
        self,
        system: System,
        oracle: Oracle,
        plan: Plan,
        *,
        seed: int,
        progress: Progress,
        events_between: int,
    ) -> None:
        self._system = system
        self._oracle = oracle
        self._plan = plan
        self._progress = progress
        self._between = events_between
        self._seed = seed
        self._stop = threading.Event()
        self.error: BaseException | None = None
        self.sample: Callable[[], None] = lambda: None
        """Called between two faults of the receiver, when nothing is being restarted there."""
        self._threads = [
            threading.Thread(target=self._guarded, args=(attack,), daemon=True)
            for attack in (self._attack_receiver, self._attack_loader, self._make_trouble)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _are_others_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads[:2])

    def stop(self) -> None:
        """Ends after the faults under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, attack: Callable[[Random], None]) -> None:
        try:
            attack(seeded(attack.__name__, self._seed))
        except BaseException as error:  # the main thread reports it
            self.error = self.error or error
            self._stop.set()

    def _attack_receiver(self, rng: Random) -> None:
        tails = cycle(rng.sample(wal.TAILS, len(wal.TAILS)))
        for fault in self._plan.receiver:
            self._let_flow(rng.randrange(2 * self._between + 1))
            if self._stop.is_set():
                return
            if fault == "worker":
                self._system.kill_worker(rng)
            elif fault == "torn log":
                kind = next(tails)
                for _ in range(TEAR_TRIES):
                    if self._system.tear_the_buffers_log(kind, rng):
                        break
                    self._let_flow(5)
            elif fault == RESTORED:
                restores.restored_buffer(self._system, self._oracle, rng, self._let_flow)
            elif fault == CRASH:
                self._system.crash_server(rng)
            elif fault == CONNECTIONS:
                self._system.end_connections()
            else:
                self._system.kill_receiver()
                clock = -rng.uniform(0.01, 20) * 3600 if fault == "clock set back" else 0
                self._system.notes["clock set back"] += bool(clock)
                self._system.start_receiver(clock=clock)
            self.sample()

    def _attack_loader(self, rng: Random) -> None:
        for number, fault in enumerate(self._plan.loader):
            if self._stop.is_set():
                break
            if fault in WAREHOUSE_FAULTS:
                self._attack_warehouse(fault, rng)
                self._stop.wait(rng.uniform(1, 4))
                continue
            with self._system.loader_lock:
                self._system.kill_loader("loader, at random")
                if number in self._plan.lose_dlt_at:
                    self._system.lose_dlts_folder()
                if fault != AT_RANDOM:
                    nth = rng.randrange(1, 13) if fault in TABLES else rng.randrange(1, 3)
                    self._system.start_loader((fault, nth))
                    self._system.wait_for_placed_kill(f"loader, {fault}")
                    continue
                self._system.start_loader()
            # from within its imports to several loads later
            self._stop.wait(rng.uniform(0.1, 4))
            self._system.kill_loader("loader, at random")
        with self._system.loader_lock:
            self._system.kill_loader("loader, at random")
            self._system.start_loader()

    def _attack_warehouse(self, fault: str, rng: Random) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        # the first fault may be before the first load, or behind one that lost the loader's file
        while not (self._system.published.exists() and self._system.warehouse.exists()):
            if time.monotonic() > deadline:
                raise SystemFailed("nothing was ever published, or taken back")
            if self._stop.wait(0.05):
                return
        if fault == LOST:
            restores.lost_warehouse(self._system, self._oracle, rng)
        elif fault == OLDER_SCHEMA:
            restores.older_schema(self._system, rng)
        elif fault == OLDER:
            restores.older_warehouse(self._system, rng, self._stop.wait)
        else:
            another_load(self._system, rng, self._stop.wait)

    def _make_trouble(self, rng: Random) -> None:
        planned = len(self._plan.receiver) + len(self._plan.loader)
        for number, kind in enumerate(self._plan.beside):
            self._stop.wait(rng.uniform(0, 2) * TROUBLE_PAUSE_SECONDS)
            # all along the other faults, not only beside the first
            due = number * planned // len(self._plan.beside)
            while self._system.kills.total() < due and not self._are_others_done():
                if self._stop.wait(0.05):
                    return
            trouble(self._system, kind, rng, self._stop.wait)

    def _let_flow(self, events: int) -> None:
        target = self._progress() + events
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._progress() < target and time.monotonic() < deadline:
            if self._stop.wait(0.01):
                return
