# Inside a fresh system, as root (.ci/debian --check): the package works, writes nothing below /opt or /usr, and goes
# without a trace.
export LC_ALL=C.UTF-8 HOME=/tmp/home
list() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /var/log -o -path /var/lib/dpkg \) -prune \
        -o -print | sort >"/tmp/$1"
}
mkdir -p "$HOME" /opt/other # dpkg would remove /opt itself when it is empty
list before
dpkg --install /root/tuishare_*.deb
list installed
tuishare demo --size 1MiB
tuishare help start >/dev/null
test "$(tuishare --complete 'tuishare us' | cut -f1)" = user
test -s /usr/share/man/man1/tuishare-share.1.gz
grep -q '^ExecStart=/usr/bin/tuishare agent$' /usr/lib/systemd/user/tuishare.service
list used
diff /tmp/installed /tmp/used
dpkg --purge tuishare
list purged
diff /tmp/before /tmp/purged
echo 'tuishare works, and is gone again'
