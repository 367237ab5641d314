"""What is measured: the servers, the rows, and which server can't do which row."""

# name: (protocol, how it is built, command in the build directory, extra environment)
TARGETS = {
    "damso": ("eio4", "ours", ["./server"], {}),
    "damso-admit": ("eio4", "ours", ["./server"], {"ADMIT": "1000"}),
    "nest-7": ("eio3", "tsc", ["node", "dist/main.js"], {}),
    "nest-12": ("eio4", "tsc", ["node", "dist/main.js"], {}),
    "node-sio": ("eio4", "npm", ["node", "index.js"], {}),
    "go-zishang": ("eio4", "go", ["./server"], {}),
    "go-centrifuge": ("cent", "go", ["./server"], {}),
    "floor-conn": ("eio4", "go", ["./server"], {"FLOOR": "conn"}),
    "floor-raw": ("eio4", "go", ["./server"], {"FLOOR": "raw"}),
    "floor-batch": ("eio4", "go", ["./server"], {"FLOOR": "batch"}),
    "floor-epoll": ("eio4", "go", ["./server"], {"FLOOR": "epoll"}),
}
DEFAULT_TARGETS = "damso,node-sio,floor-conn,floor-batch,floor-epoll"
DEFAULT_BLOCKS = "A50,Amax,Adeep,Bmax,C,Dws,Dpoll,E,F1k,G"

# block: (nodes, with Redis, JOIN_MSG, rows); row: (name, what, loadgen's flags, pinned to a core each)
FANOUT = "-mode fanout -n 1000"
ROOMS = "-mode rooms -n 1000 -rooms 100 -senders 100"
STORM = "-mode storm -n 10000 -c 200 -connect-timeout 20 -drain 90"
BLOCKS = {
    "A": (1, False, "0", [
        ("A10", "fan-out 1 node, 10 msg/s", FANOUT + " -rate 10", False),
        ("A50", "fan-out 1 node, 50 msg/s", FANOUT + " -rate 50", False),
        ("A100", "fan-out 1 node, 100 msg/s", FANOUT + " -rate 100", False),
        ("Amax", "fan-out 1 node, closed loop, 10 in flight", FANOUT + " -senders 10", False),
        ("Adeep", "fan-out 1 node, closed loop, 100 in flight", FANOUT + " -senders 50 -window 2", False),
        ("A1core", "as Amax, server on one core, load on the other", FANOUT + " -senders 10", True),
    ]),
    "B": (2, True, "0", [
        ("B10", "fan-out 2 nodes + Redis, 10 msg/s", FANOUT + " -rate 10", False),
        ("B50", "fan-out 2 nodes + Redis, 50 msg/s", FANOUT + " -rate 50", False),
        ("B100", "fan-out 2 nodes + Redis, 100 msg/s", FANOUT + " -rate 100", False),
        ("Bmax", "fan-out 2 nodes + Redis, closed loop, 10 in flight", FANOUT + " -senders 10", False),
    ]),
    "C": (1, False, "0", [
        ("C", "10,000 idle connections", "-mode idle -n 10000 -settle 8", False),
    ]),
    "D": (1, False, "0", [
        ("Dws", "connect churn, WebSocket only, 20 at a time", "-mode connect -c 20", False),
        ("Dpoll", "connect churn, polling then upgrade, 20 at a time", "-mode connect -c 20 -via polling", False),
        ("Dpoll200", "connect churn, polling then upgrade, 200 at a time", "-mode connect -c 200 -via polling", False),
    ]),
    "E": (1, False, "0", [
        ("E", "echo with ack, 50 connections", "-mode echo -n 50", False),
    ]),
    "F": (2, True, "0", [
        ("F1k", "100 rooms of 10, 2 nodes + Redis, 1,000 msg/s", ROOMS + " -rate 1000", False),
        ("Fmax", "100 rooms of 10, 2 nodes + Redis, closed loop, 100 in flight", ROOMS, False),
    ]),
    "G": (1, False, "1", [
        ("G", "join storm, 1,000 joins announced to all", "-mode join -n 1000", False),
    ]),
    "S": (2, True, "0", [
        ("Sws", "10,000 clients come back after a kill, WebSocket only", STORM, False),
        ("Spoll", "10,000 clients come back after a kill, polling then upgrade", STORM + " -via polling", False),
    ]),
}
KILLS = {"Sws", "Spoll"}  # the first node is dead after these rows

# Blocks and rows that a target can't do, or that would say nothing new.
SKIP = {
    "damso-admit": set("ABCDEFG"),
    "go-centrifuge": {"Dpoll", "Dpoll200", "G", "S"},
    "floor-conn": {"B", "F", "G", "S", "Dpoll", "Dpoll200"},
    "floor-raw": {"A10", "A100", "Adeep", "B", "C", "D", "E", "F", "G", "S"},
    "floor-batch": {"A10", "B", "C", "D", "E", "F", "G", "S"},
    "floor-epoll": {"A10", "A100", "Adeep", "B", "F", "G", "S", "Dpoll", "Dpoll200"},
}


def source(target):
    """The folder in peers/ that a target is built from."""
    if target == "damso-admit":
        return "damso"
    return "floor-go" if target.startswith("floor-") else target


def chosen(blocks, target):
    """[(block, nodes, with Redis, JOIN_MSG, rows)] of a target, as --blocks asks."""
    skip = SKIP.get(target, ())
    out = []
    for b, (nodes, redis, join, rows) in BLOCKS.items():
        rows = [r for r in rows if (b in blocks or r[0] in blocks) and b not in skip and r[0] not in skip]
        if rows:
            out.append((b, nodes, redis, join, rows))
    return out
