"""The table, and what it is held to."""

from benchmarks.measure import Figures

NOTHING, TOKENS, DEFAULT = "nothing remembered", "verified tokens remembered", "default settings, cache warm"
LIMIT, REMEMBERING = "LIMIT", "LIMIT that remembers"
UNCHANGED, SQLITE = "304, cache warm", "verified tokens remembered, SQLite"
WARM = (TOKENS, DEFAULT, REMEMBERING, SQLITE)
"""Who remembers; each worker has to have seen what it is to remember."""

Found = dict[str, dict[str, Figures]]

NOISE = 0.15
TARGETS: dict[tuple[str, str], tuple[float, float]] = {
    ("list", NOTHING): (0.60, 0.70), ("details", NOTHING): (0.62, 0.72), ("confirm", NOTHING): (0.62, 0.75),
    ("list", TOKENS): (0.75, 0.85), ("details", TOKENS): (0.80, 0.90), ("confirm", TOKENS): (0.75, 0.85),
    ("list", DEFAULT): (1.15, 1.30), ("details", DEFAULT): (0.90, 1.05),
    ("list", UNCHANGED): (1.20, 1.40), ("details", UNCHANGED): (1.00, 1.10),
}  # fmt: skip
"""Requests a second as parts of LIMIT's: what must be reached, and what is aimed at."""
AHEAD = {
    ("list", "FastAPI"): 5.0, ("list", "Express"): 1.9, ("details", "FastAPI"): 2.3, ("details", "Express"): 1.3,
    ("confirm", "FastAPI"): 1.6, ("confirm", "Express"): 1.0,
}  # fmt: skip
"""How many times a peer's the default settings' are."""
P99, MEGABYTES, SQLITE_TIME = 1.5, 100, 1.5
"""p99 as a part of LIMIT's; MiB a worker; SQLite's time for a list as a part of Postgres's."""


def markdown(found: Found) -> str:
    """All figures; ratios are to LIMIT."""
    lines = [
        "| route | contender | requests/s | x LIMIT | must / aim | p50 ms | p99 ms | CPU µs | Postgres µs | MiB |",
        "|---|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    for route, contenders in found.items():
        base = contenders[LIMIT].rate
        for name, one in sorted(contenders.items(), key=lambda item: -item[1].rate):
            target = " / ".join(f"{part:.2f}" for part in TARGETS.get((route, name), ()))
            figures = (one.p50, 1), (one.p99, 1), (one.cpu, 0), (one.database_cpu, 0), (one.megabytes, 0)
            cells = [route, name, f"{one.rate:.0f}", f"{one.rate / base:.2f}", target]
            cells += [f"{value:.{digits}f}" for value, digits in figures]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def missed(found: Found) -> list[str]:
    """Each target that is missed by more than the noise."""
    problems = []

    def judge(what: str, value: float, must: float, *, at_most: bool = False) -> None:
        if value > must * (1 + NOISE) if at_most else value < must * (1 - NOISE):
            problems.append(f"MISSED: {what} is {value:.2f}, must be {'at most' if at_most else 'at least'} {must:.2f}")

    for (route, name), (must, _) in TARGETS.items():
        judge(f"{route}, {name}, x LIMIT", found[route][name].rate / found[route][LIMIT].rate, must)
    for route, contenders in found.items():
        ours = contenders[DEFAULT]
        for peer in ("FastAPI", "Express"):
            if peer in contenders:
                judge(f"{route} x {peer}", ours.rate / contenders[peer].rate, AHEAD[route, peer])
        for name in (NOTHING, TOKENS, DEFAULT):
            ratio = contenders[name].p99 / contenders[LIMIT].p99
            judge(f"{route}, {name}: p99 x LIMIT's", ratio, P99, at_most=True)
        judge(f"{route}: MiB a worker", ours.megabytes, MEGABYTES, at_most=True)
    sqlite, postgres = found["list"][SQLITE], found["list"][TOKENS]
    judge("the list's time on SQLite x Postgres's", postgres.rate / sqlite.rate, SQLITE_TIME, at_most=True)
    return problems
