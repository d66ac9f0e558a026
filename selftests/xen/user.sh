# SPDX-License-Identifier: GPL-2.0
# An ordinary user's guests: in a directory of his own; a launcher that is killed
# leaves nothing that stays; PCs as well, which have no xenstore.
. "${0%/*}/control.inc"
unset XDG_RUNTIME_DIR
dir=/tmp/hvmod-$(id -u)

config one
hvctl create -p /tmp/one.cfg || die "create"
[ "$(stat -c %a "$dir")" = 700 ] && [ "$(stat -c %a "$dir/one.sock")" = 600 ] || die "modes"
state_is one paused || die "it is not paused"
kill -9 "$(field one 2)"
until_true gone one
[ ! -e "$dir/one.sock" ] || die "its socket stays"

hvctl create -p /tmp/one.cfg type=linux extra=console=ttyS0 || die "create a PC"
[ "$(field one 3)" = linux ] || die "not a PC"
hvctl mem-set one 100M 2>&1 | grep 'one is a PC: it has no xenstore' || die "mem-set of a PC"
hvctl xenstore ls one 2>&1 | grep 'it has no xenstore' || die "xenstore of a PC"
hvctl shutdown one 2>&1 | grep 'does not listen to the power button' || die "shutdown of a paused PC"
hvctl destroy "$(field one 2)" || die "destroy by its process"
gone one || die "it is still there"
hvctl create /tmp/none.cfg 2>&1 | grep 'cannot open /tmp/none.cfg' || die "no file"
hvctl create /tmp/one.cfg kernel=/etc/passwd 2>&1 | grep -i 'passwd' || die "no kernel"
gone one || die "what did not start is there"
rm -rf "$dir"
ln -s /etc "$dir"
hvctl create -p /tmp/one.cfg && die "through a link"
rm "$dir"
mkdir -m 777 "$dir"
chmod 777 "$dir"
hvctl create -p /tmp/one.cfg 2>&1 | grep "$dir is not this user's alone" || die "a directory for all"
rm -rf "$dir"
