"""Wall clocks at both edges of summer time: skipped, repeated, and as the rules stand in 2026."""

from datetime import UTC, date, datetime, time

import pytest

from interviews_api.errors import InvalidInput
from interviews_api.interviews.scheduling import start_of
from tests.support.summer_time import EDGES

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone_name", EDGES)
def test_wall_clocks_at_the_edges_of_summer_time(zone_name: str) -> None:
    for (day, wall_time), wanted in EDGES[zone_name].items():
        arguments = (date.fromisoformat(day), time.fromisoformat(wall_time), zone_name)
        if wanted is None:
            with pytest.raises(InvalidInput) as refusal:
                start_of(*arguments, now=LONG_AGO)
            assert refusal.value.details == {"time": [f"The clocks in {zone_name} skip this time on that day."]}
        else:
            starts_at = start_of(*arguments, now=LONG_AGO)
            assert f"{starts_at:%Y-%m-%dT%H:%M}" == wanted, (day, wall_time)
