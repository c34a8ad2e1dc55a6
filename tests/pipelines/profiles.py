"""How many examples the slow properties try: few and always the same, or many and new ones.

    pytest tests/pipelines/test_any_order.py tests/pipelines/test_any_steps.py \\
        --hypothesis-profile=many --timeout=0
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

MANY = 8
"""With the profile `many`, that many times as many."""


def examples(few: int, **limits: int) -> settings:
    """The settings of a property whose example takes seconds, in the profile that was chosen."""
    many = settings.get_current_profile_name() == "many"
    return settings(
        max_examples=few * (MANY if many else 1),
        derandomize=not many,
        database=None,
        deadline=None,
        # Shrinking takes minutes: longer than pytest lets a test run.
        phases=Phase if many else set(Phase) - {Phase.shrink},
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        **limits,
    )
