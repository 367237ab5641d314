"""Builds the programs, and starts and stops servers."""
import os
import resource
import shutil
import socket
import subprocess
import sys
import time

from targets import TARGETS, source

BENCH = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(BENCH)
GO = shutil.which("go") or os.path.join(os.environ.get("GOROOT", ""), "bin", "go")


def build(tmp, names):
    """Builds the load generator and the targets in tmp. What npm installed there before is used again."""
    subprocess.run([GO, "build", "-o", os.path.join(tmp, "loadgen"), "."], cwd=os.path.join(BENCH, "loadgen"), check=True)
    for n in dict.fromkeys(map(source, names)):
        how = next(TARGETS[t][1] for t in names if source(t) == n)
        dst = os.path.join(tmp, "build", n)
        print("building", n, file=sys.stderr, flush=True)
        if how == "ours":
            os.makedirs(dst, exist_ok=True)
            subprocess.run([GO, "build", "-o", os.path.join(dst, "server"), "./bench/server"], cwd=ROOT, check=True)
            continue
        shutil.copytree(os.path.join(BENCH, "peers", n), dst, dirs_exist_ok=True)
        if how == "go":
            subprocess.run([GO, "build", "-o", "server", "."], cwd=dst, check=True)
        else:
            npm(dst, how)


def npm(dst, how):
    mark = os.path.join(dst, ".installed")
    with open(os.path.join(dst, "package.json")) as f:
        package = f.read()
    if not os.path.exists(mark) or open(mark).read() != package:
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
                       cwd=dst, check=True, stdout=sys.stderr)
        with open(mark, "w") as f:
            f.write(package)
    if how == "tsc":
        subprocess.run(["npm", "run", "build", "--loglevel=error"], cwd=dst, check=True, stdout=sys.stderr)


def many_files():
    """Lets all that is started from here open many files: a client that upgrades has two connections at times."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for n in (65536, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (n, max(n, hard)))
            return
        except (ValueError, OSError):  # only root may have more than the hard limit
            pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proc:
    """A server process that listens on port when the constructor returns."""

    def __init__(self, argv, cwd, env, port, log):
        with open(log, "a") as f:
            self.p = subprocess.Popen(argv, cwd=cwd, env=env, stdout=f, stderr=f, start_new_session=True)
        self.pid, self.port, self.pprof = self.p.pid, port, env.get("PPROF_PORT")
        end = time.time() + 20
        while not self.listens():
            if not self.alive() or time.time() > end:
                self.stop()
                raise RuntimeError("%s did not start, see %s" % (os.path.basename(argv[0]), log))
            time.sleep(0.05)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def alive(self):
        return self.p.poll() is None

    def stop(self):
        if not self.alive():
            return
        self.p.terminate()
        try:
            self.p.wait(5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()


def start_redis(tmp):
    port = free_port()
    return Proc(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                tmp, dict(os.environ), port, os.path.join(tmp, "redis.log"))


def start_nodes(tmp, target, n, redis, join):
    """Starts n nodes of a target, joined by redis if that is not None."""
    nodes = []
    try:
        for i in range(n):
            nodes.append(start_node(tmp, target, i, redis, join))
    except BaseException:
        stop_all(nodes)
        raise
    return nodes


def start_node(tmp, target, i, redis, join):
    port, redis_port = free_port(), str(redis.port) if redis else ""
    env = dict(os.environ, NODE_PORT=str(port), REDIS_HOST="127.0.0.1", REDIS_PORT=redis_port, JOIN_MSG=join,
               NODE_ENV="production", **target.get("env", {}))
    log = os.path.join(tmp, "%s-%d.log" % (target["name"], i))
    if target["pprof"]:
        env["PPROF_PORT"] = str(free_port())
    if not target.get("cmd"):
        return Proc(target["argv"], os.path.join(tmp, "build", source(target["name"])), env, port, log)
    cmd = target["cmd"]
    for k, v in (("port", port), ("redis_host", "127.0.0.1"), ("redis_port", redis_port),
                 ("redis", "127.0.0.1:" + redis_port if redis else ""), ("join", join)):
        cmd = cmd.replace("{%s}" % k, str(v))
    return Proc(["/bin/sh", "-c", "exec " + cmd], os.getcwd(), env, port, log)


def stop_all(procs):
    for p in procs:
        p.stop()
