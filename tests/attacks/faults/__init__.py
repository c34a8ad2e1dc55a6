"""Attacks on a running receiver and loader: nothing acknowledged is lost, nothing is twice.

    python -m tests.attacks.faults            the long form: 500 kills, 500,000 events
    pytest tests/attacks/faults               the short form, and the tests of the harness itself

`sender` sends what `events` makes; `oracle` turns each answer into an obligation; `chaos`
attacks the `system` by a plan drawn from a seed, with what `restores` does to its files and
what goes on `beside` it; `judge` reads what was published. `launcher` kills a loader at one
step, moves a receiver's clock, or starts a wrong variant, by which the judge is tested. `wal`
leaves what a power cut may leave behind the last commit.
"""
