#!/bin/sh
# Installs registrar and gateway under a real systemd and sees that they start, come back after kill -9,
# outlive a registry that goes away, and are gone after uninstall; then a registrar as a user without rights.
# Not a part of `make test`: it wants root, and a Linux with systemd 247 or newer, dbus, curl, python3 and a
# JDK 21 or newer below /usr or /opt. It takes about a minute.
#
#     sudo JAVA_HOME=/usr/lib/jvm/… test/InstallUnderSystemd.sh
#
# systemd runs as process 1 of its own namespaces, on an overlay of this machine's files that is thrown away
# at the end: neither the machine's files nor its own systemd are touched.
set -eu

java=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")}/bin/java
here=$(cd "$(dirname "$0")/.." && pwd)
lab=$(mktemp -d)
init=

end() {
    [ -z "$init" ] || kill -9 "$init" 2>/dev/null || true
    [ -z "$host" ] || wait "$host" 2>/dev/null || true
    rm -rf "$lab"
}
host=
trap end EXIT
trap 'exit 1' INT TERM

# ---- A machine with systemd --------------------------------------------------------------------------

cat >"$lab/boot" <<'BOOT'
set -eu
lab=$1
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$lab"
mkdir "$lab/upper" "$lab/work" "$lab/root"
root=$lab/root
mount -t overlay -o "lowerdir=/,upperdir=$lab/upper,workdir=$lab/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/.host" "$root/opt/lab"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for node in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"
done
mknod -m 666 "$root/dev/tty" c 5 0
printf '%s\n' '[Unit]' 'Description=the lab' 'DefaultDependencies=no' \
    'Wants=multi-user.target systemd-journald.service' >"$root/etc/systemd/system/lab.target"
# Nothing of this machine's own services: only what a test installs.
rm -rf "$root/etc/systemd/system/multi-user.target.wants"
printf '%s\n' '[Unit]' 'Description=services' 'DefaultDependencies=no' \
    >"$root/etc/systemd/system/multi-user.target"
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then      # cgroup v1, each hierarchy that there is
    mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
    for name in systemd cpu memory pids devices; do
        mkdir "$root/sys/fs/cgroup/$name"
        options=$name; [ $name != systemd ] || options=none,name=systemd
        mount -t cgroup -o "$options" cgroup "$root/sys/fs/cgroup/$name" || rmdir "$root/sys/fs/cgroup/$name"
    done
else
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
cd "$root"
pivot_root . .host
# Credentials reach a service through mounts that propagate, as they do on a machine.
exec env -i container=lab PATH="$PATH" sh -c 'umount -l /.host; mount --make-rshared /
    exec /lib/systemd/systemd --system --unit=lab.target --log-target=journal --show-status=0'
BOOT

inside() { nsenter -t "$init" -a env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=/root "$@"; }

await() {                                # what, then a command that must come true within 30 seconds
    what=$1; shift
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "FAILED: waited in vain for $what"; show; exit 1; }
        sleep 0.1
    done
    echo "ok: $what"
}

show() {
    cat "$lab/output" || true
    inside systemctl --no-pager --failed || true
    inside systemctl --no-pager status 'backend-gateway*' || true
    inside journalctl --no-pager -n 40 2>/dev/null || true
}

unshare --pid --mount --uts --ipc --net --cgroup --fork sh "$lab/boot" "$lab" 2>/dev/null &
host=$!
until init=$(pgrep -P $host) && [ -n "$init" ]; do sleep 0.1; done
await "systemd answers" inside systemctl is-active lab.target

# ---- What a user does --------------------------------------------------------------------------------

for program in Install RegisterBackend GatewayServer; do
    cp "$here/$program.java" "/proc/$init/root/opt/lab/"
done
cat >"/proc/$init/root/opt/lab/backend.py" <<'PYTHON'
import http.server

class Backend(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers.get("Authorization") == "Bearer tok'en\"$HOME%h\\&<x>"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b"hello from the backend\n")

http.server.HTTPServer(("127.0.0.1", 3000), Backend).serve_forever()
PYTHON
inside python3 /opt/lab/backend.py 2>/dev/null &
tree() { inside sh -c 'find /etc/systemd/system /opt | grep -v /opt/lab | sort'; }
install() { inside sh -c 'cd /opt/lab && exec "$@"' sh "$java" -XX:TieredStopAtLevel=1 Install.java "$@"; }
unit=backend-gateway-register@api
pid() { inside systemctl show --property=MainPID --value "$1"; }

tree >"$lab/before"
install gateway --yes >"$lab/output"
await "the gateway answers" inside curl -fsS localhost:8080/gateway/health

(umask 077; { grep -E '^(API|ENCRYPTION)_KEY=' "/proc/$init/root/opt/backend-gateway/backend-gateway.env"
    printf '%s\n' "BACKEND_TOKEN=\"tok'en\\\"\$HOME%h\\\\&<x>\""; } >"/proc/$init/root/opt/lab/settings.env")
install --yes --name=api --prefix=/api --env-file=settings.env >>"$lab/output"
await "a request reaches the backend, with the token that was installed" inside curl -fsS localhost:8080/api/x
await "status finds all well" install status

# ---- Faults ------------------------------------------------------------------------------------------

for service in backend-gateway $unit; do
    before=$(pid $service)
    inside kill -9 "$before"
    again() { now=$(pid $service); [ "$now" != 0 ] && [ "$now" != "$before" ]; }
    await "$service is back after kill -9" again
done
await "and serves" inside curl -fsS localhost:8080/api/x

inside systemctl stop backend-gateway
inside systemctl restart $unit
before=$(pid $unit)
sleep 5                                  # the time that it is left alone with its registry away
[ "$(pid $unit)" = "$before" ] || { echo "FAILED: the registrar did not outlive its registry"; show; exit 1; }
inside systemctl is-active --quiet $unit
echo "ok: the registrar outlives a registry that is away"
# Without its entries, so that only registering brings the backend back.
rm -f "/proc/$init/root/var/lib/private/backend-gateway/backends.json"
inside systemctl start backend-gateway
await "and registers again when it is back" inside curl -fsS localhost:8080/api/x

started=$(date +%s%N)
inside systemctl restart backend-gateway
until inside curl -fsS localhost:8080/gateway/health >/dev/null 2>&1; do sleep 0.02; done
echo "ok: the gateway answers $((($(date +%s%N) - started) / 1000000)) ms after a restart"

# ---- Secrets -----------------------------------------------------------------------------------------

inside ps axww -o args >"$lab/ps"
inside systemctl cat 'backend-gateway*' >"$lab/units"
inside systemctl show 'backend-gateway*' >>"$lab/units"
inside journalctl --no-pager >"$lab/journal"
grep -q "$unit" "$lab/journal" || { echo "FAILED: there is no log to look into"; exit 1; }
for secret in "tok'en" $(sed -n "s/^.*_KEY='\(.*\)'/\1/p" "/proc/$init/root/opt/lab/settings.env"); do
    if grep -lF "$secret" "$lab/ps" "$lab/units" "$lab/journal" "$lab/output"; then
        echo "FAILED: a secret is to be read there"; exit 1
    fi
done
echo "ok: no secret in ps, units, log and output"
inside setpriv --reuid=65534 --clear-groups cat "/opt/backend-gateway/$unit.env" 2>/dev/null &&
    { echo "FAILED: others may read the settings"; exit 1; }
echo "ok: others may not read the settings"
inside systemd-analyze --no-pager security --threshold=30 $unit | tail -n 1
inside systemd-analyze --no-pager security --threshold=30 backend-gateway | tail -n 1

# ---- Without root ------------------------------------------------------------------------------------

inside useradd --create-home tester
user=$(inside id -u tester)
as_tester() { inside setpriv --reuid="$user" --regid="$user" --clear-groups env HOME=/home/tester \
    USER=tester XDG_RUNTIME_DIR="/run/user/$user" "$@"; }
inside loginctl enable-linger tester
await "the user's own systemd answers" as_tester systemctl --user is-active basic.target
inside sh -c 'cp /opt/lab/*.java /opt/lab/settings.env /home/tester && chown -R tester /home/tester'
files() { as_tester find /home/tester -not -path '*/.hsperf*' | sort; }
files >"$lab/before-user"
at_home() { as_tester sh -c 'cd /home/tester && exec "$@"' sh "$java" Install.java "$@"; }
mine=backend-gateway-register@mine
mine_pid() { as_tester systemctl --user show --property=MainPID --value $mine; }
at_home --yes --name=mine --prefix=/mine --env-file=settings.env >>"$lab/output"
await "a user's backend answers through the gateway" inside curl -fsS localhost:8080/mine/x
await "status finds all well" at_home status
before=$(mine_pid)
inside kill -9 "$before"
back() { as_tester systemctl --user is-active --quiet $mine && [ "$(mine_pid)" != "$before" ]; }
await "the user's service is back after kill -9" back
at_home uninstall
files >"$lab/after-user"
diff "$lab/before-user" "$lab/after-user" || { echo "FAILED: the home is not as before"; exit 1; }
echo "ok: all of the user's is gone"

# ---- Away with it ------------------------------------------------------------------------------------

install uninstall api
inside curl -fsS localhost:8080/gateway/health >/dev/null
inside curl -s -o /dev/null -w '%{http_code}\n' localhost:8080/api/x | grep -q 404 ||
    { echo "FAILED: the entry is still there"; exit 1; }
echo "ok: the backend is out of the registry"
install uninstall gateway
inside systemctl list-units --all --no-legend 'backend-gateway*' | grep . &&
    { echo "FAILED: a unit is left"; exit 1; }
tree >"$lab/after"
diff "$lab/before" "$lab/after" || { echo "FAILED: the tree is not as before"; exit 1; }
echo "ok: all is gone"
