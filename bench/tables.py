"""Prints results as markdown: medians over the repetitions, a table per row."""
import json
import statistics

from targets import BLOCKS, TARGETS

# (heading, key of the result)
LATENCY = [("p50 ms", "p50_ms"), ("p95 ms", "p95_ms"), ("p99 ms", "p99_ms")]
TRAFFIC = [("deliveries/s", "deliveries_per_s"), *LATENCY, ("max ms", "max_ms"), ("lost", "lost"),
           ("server cores", "server_cores"), ("server µs/delivery", "server_us_per_delivery"),
           ("redis cores", "redis_cores"), ("loadgen cores", "loadgen_cores"), ("RSS MB", "rss_after_mb"),
           ("frames/read", "msgs_per_read")]
COLUMNS = {
    "A": [c for c in TRAFFIC if c[1] != "redis_cores"],
    "C": [("kB RSS/conn", "rss_kb_per_conn"), ("kB PSS/conn", "pss_kb_per_conn"),
          ("kB RSS/conn at once", "rss_kb_per_conn_at_once"), ("base RSS MB", "rss_before_mb"),
          ("connects/s", "connects_per_s"), ("server ms/connect", "server_ms_per_connect"),
          ("idle cores", "idle_server_cores"), ("failed connects", "connect_fails"), ("closed", "closed_by_server")],
    "D": [("connects/s", "connects_per_s"), ("server ms/connect", "server_ms_per_connect"),
          ("server cores", "server_cores"), ("loadgen cores", "loadgen_cores"), ("p50 ms", "p50_ms"),
          ("p99 ms", "p99_ms"), ("fails", "fails")],
    "E": [("round trips/s", "deliveries_per_s"), *LATENCY, ("server cores", "server_cores"),
          ("server µs each", "server_us_per_delivery"), ("loadgen cores", "loadgen_cores"), ("lost", "lost")],
    "G": [("all announced, s", "all_delivered_s"), ("connected, s", "connect_s"), ("received", "received"),
          ("lost", "lost"), ("server CPU s", "server_cpu_s"), ("server µs/delivery", "server_us_per_delivery"),
          ("failed connects", "connect_fails")],
    "S": [("50 % back, s", "back_50_s"), ("95 %", "back_95_s"), ("99 %", "back_99_s"), ("all", "back_100_s"),
          ("all upgraded", "settled_s"), ("failed upgrades", "upgrades_failed"),
          ("not back", "not_back"), ("lost again", "thrown_again"), ("attempts", "attempts"), ("503", "refused"),
          ("timed out", "timeouts"), ("broken", "broken"), ("survivor's peak RSS MB", "rss_peak_mb"),
          ("CPU ms/client", "server_ms_per_client"), ("server cores", "server_cores"), ("loadgen cores", "loadgen_cores"),
          ("residents' echo p99 ms", "resident_p99_ms"), ("max ms", "resident_max_ms"), ("residents lost", "residents_lost")],
}


def fmt(v):
    if v is None:
        return "–"
    if abs(v) >= 1000:
        return "{:,.0f}".format(v)
    if abs(v) >= 100:
        return "%.0f" % v
    return "%.2f" % v if abs(v) >= 0.005 or v == 0 else "%.4f" % v


def median(results, key):
    values = [r[key] for r in results if key in r]
    return statistics.median(values) if values else None


def derive(r):
    """Adds what is better read in other units."""
    for k in ("before", "after", "peak"):
        if "rss_%s_kb" % k in r:
            r["rss_%s_mb" % k] = r["rss_%s_kb" % k] / 1024
    if "redis_cpu_s" in r and r.get("window_s"):
        r["redis_cores"] = r["redis_cpu_s"] / r["window_s"]
    return r


def line(target, results, cols):
    good = [r for r in results if "error" not in r]
    cells = [fmt(median(good, key)) for _, key in cols] if good else ["failed"] + [""] * (len(cols) - 1)
    return "| %s | %s | %d/%d |" % (target, " | ".join(cells), len(good), len(results))


def tables(path):
    """The markdown of a file of results."""
    with open(path) as f:
        results = [json.loads(s) for s in f]
    about = [r["about"] for r in results if "about" in r]
    results = [derive(r) for r in results if "row" in r]
    seen = list(dict.fromkeys(r["target"] for r in results))
    order = [t for t in TARGETS if t in seen] + [t for t in seen if t not in TARGETS]
    out = about[-1:]
    for b, (_, _, _, rows) in BLOCKS.items():
        for name, what, _, _ in rows:
            mine = [r for r in results if r["row"] == name]
            if not mine:
                continue
            cols = COLUMNS.get(b, TRAFFIC)
            out += ["", "**%s — %s**" % (name, what), "",
                    "| target | " + " | ".join(c[0] for c in cols) + " | runs |",
                    "|---|" + "---:|" * (len(cols) + 1)]
            for t in order:
                of_t = [r for r in mine if r["target"] == t]
                if of_t:
                    out.append(line(t, of_t, cols))
    return "\n".join(out)
