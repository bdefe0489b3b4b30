"""Table of results, and the targets of this project."""

from benchmarks.measure import Figures

NOTHING, TOKENS, DEFAULT = "nothing cached", "verified tokens cached", "default settings, cache warm"
UNCOMPILED = "verified tokens cached, serializers not compiled"
LIMIT, REMEMBERING = "LIMIT", "LIMIT with a cache"
UNCHANGED, SQLITE = "304, cache warm", "verified tokens cached, SQLite"
WARM = (TOKENS, UNCOMPILED, DEFAULT, REMEMBERING, SQLITE)
"""Contenders with caches, which each worker must fill before the measurement."""

Results = dict[str, dict[str, Figures]]
"""Figures by route and contender."""

NOISE = 0.15
TARGETS: dict[tuple[str, str], tuple[float, float]] = {
    ("list", NOTHING): (0.42, 0.70), ("details", NOTHING): (0.44, 0.72), ("confirm", NOTHING): (0.46, 0.75),
    ("list", TOKENS): (0.52, 0.85), ("details", TOKENS): (0.59, 0.90), ("confirm", TOKENS): (0.56, 0.85),
    ("list", DEFAULT): (0.95, 1.30), ("details", DEFAULT): (0.76, 1.05), ("confirm", DEFAULT): (0.56, 0.85),
    ("list", UNCHANGED): (0.90, 1.40), ("details", UNCHANGED): (0.73, 1.10),
}  # fmt: skip
"""Requests per second in proportion to LIMIT's: the least allowed, and the aim."""
AHEAD = {
    ("list", "FastAPI"): 5.0, ("list", "Express"): 1.9, ("details", "FastAPI"): 2.3, ("details", "Express"): 1.3,
    ("confirm", "FastAPI"): 1.6, ("confirm", "Express"): 1.0,
}  # fmt: skip
"""Least ratio of requests per second, with default settings, to a peer's."""
P99 = {NOTHING: 2.2, TOKENS: 2.0, DEFAULT: 1.5}
P99_CONFIRM = P99 | {DEFAULT: P99[TOKENS]}  # no confirm is served from a cache
"""Most allowed of a contender's p99 in proportion to LIMIT's."""
MEGABYTES, SQLITE_TIME = 100, 1.5
"""Most allowed: MiB per gunicorn worker, and SQLite's time for a list in proportion to Postgres's."""


def markdown(results: Results) -> str:
    """Return the table of all figures, with ratios to LIMIT."""
    lines = [
        "| route | contender | requests/s | x LIMIT | must / aim | p50 ms | p99 ms | CPU µs | Postgres µs | MiB |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for route, contenders in results.items():
        base = contenders[LIMIT]
        for name, figures in sorted(contenders.items(), key=lambda item: -item[1].rate):
            target = " / ".join(f"{part:.2f}" for part in TARGETS.get((route, name), ()))
            cells = [route, name, f"{figures.rate:.0f}", f"{figures.rate_by(base):.2f}", target]
            cells += [f"{figures.p50:.1f}", f"{figures.p99:.1f}", f"{figures.cpu:.0f}"]
            cells += [f"{figures.database_cpu:.0f}", f"{figures.megabytes:.0f}"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def missed(results: Results) -> list[str]:
    """Return a message for each target that is missed by more than the noise."""
    problems = []

    def judge(label: str, value: float, must: float, *, at_most: bool = False) -> None:
        if value > must * (1 + NOISE) if at_most else value < must * (1 - NOISE):
            problems.append(
                f"MISSED: {label} is {value:.2f}, must be {'at most' if at_most else 'at least'} {must:.2f}"
            )

    for (route, name), (must, _) in TARGETS.items():
        judge(f"{route}, {name}, x LIMIT", results[route][name].rate_by(results[route][LIMIT]), must)
    for route, contenders in results.items():
        ours = contenders[DEFAULT]
        for peer in ("FastAPI", "Express"):
            if peer in contenders:
                judge(f"{route} x {peer}", ours.rate_by(contenders[peer]), AHEAD[route, peer])
        for name, most in (P99_CONFIRM if route == "confirm" else P99).items():
            ratio = contenders[name].p99 / contenders[LIMIT].p99
            judge(f"{route}, {name}: p99 x LIMIT's", ratio, most, at_most=True)
        judge(f"{route}: MiB a worker", ours.megabytes, MEGABYTES, at_most=True)
    sqlite, postgres = results["list"][SQLITE], results["list"][TOKENS]
    judge("the list's time on SQLite x Postgres's", postgres.rate_by(sqlite), SQLITE_TIME, at_most=True)
    return problems
