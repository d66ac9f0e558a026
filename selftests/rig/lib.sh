# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every script of the rig shares: where things are, locks, stamps and
# apt. Sourced, never run. All that is large or slow to make lives in the
# cache directory, outside the source tree.

set -euo pipefail

RIG=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export RIG_DIR=$RIG
TOP=$(cd "$RIG/../.." && pwd)
CACHE=${HVMOD_CACHE:-$HOME/.cache/hvmod}
JOBS=${JOBS:-$(nproc)}
export TOP CACHE JOBS DEBIAN_FRONTEND=noninteractive LC_ALL=C
mkdir -p "$CACHE"

say() { printf '%s %s\n' "$(date +%T)" "$*" >&2; }
die() { printf 'rig: %s\n' "$*" >&2; exit 1; }

# with_lock NAME COMMAND...: one process at a time does this step.
with_lock() {
	local name=$1
	shift
	(
		flock -n 9 || { say "waiting for another $name"; flock 9; }
		"$@"
	) 9>"$CACHE/.lock-$name"
}

# logged LOG WHAT COMMAND...: run a long step with its output in a log, and a
# line of progress every 20 s; on failure, show the end of the log.
logged() {
	local log=$1 what=$2 pid start=$SECONDS rc=0 next=20
	shift 2
	mkdir -p "$(dirname "$log")"
	say "$what ..."
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		if [ $((SECONDS - start)) -ge $next ]; then
			say "$what: $((SECONDS - start)) s, $(wc -l <"$log") lines of log"
			next=$((next + 20))
		fi
	done
	wait "$pid" || rc=$?
	if [ "$rc" -ne 0 ]; then
		tail -n 40 "$log" >&2
		die "$what failed ($rc); the whole log: $log"
	fi
	say "$what: done in $((SECONDS - start)) s"
}

# Debian's archive as this machine knows it, from apt itself: the address
# and keyring of the entry that holds the release's own main component.
debian_archive() {
	apt-get indextargets --format \
		'$(REPO_URI) $(ORIGIN) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' |
		awk '$2 == "Debian" && $NF == "main" && $(NF-1) !~ /-/ { print $1; exit }'
}

# An apt of the rig's own: sources, lists and downloads in the cache, so that
# the machine's configuration stays as it is. It adds the two suites that the
# rig takes single packages from.
rig_apt_conf() {
	local dir=$CACHE/apt uri key=/usr/share/keyrings/debian-archive-keyring.gpg
	local signed=

	if [ ! -s "$dir/apt.conf" ] || [ ! -s "$dir/sources.list" ]; then
		uri=$(debian_archive)
		[ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
			'Created-By: Packages' | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
		[ -n "$uri" ] || die "no Debian archive among this machine's apt sources"
		[ -e "$key" ] && signed="[signed-by=$key]"
		mkdir -p "$dir/lists/partial" "$dir/archives/partial"
		cat >"$dir/sources.list" <<-END
			deb $signed $uri bookworm main
			deb $signed $uri bookworm-updates main
			deb $signed $uri bookworm-backports main
			deb-src $signed $uri trixie main
		END
		# The security suite stands elsewhere; copy its line if there is one.
		apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
			'Created-By: Packages' |
			awk -v s="$signed" '$2 == "bookworm-security" && $3 == "main" \
				{ print "deb", s, $1, $2, $3 }' >>"$dir/sources.list"
		cat >"$dir/apt.conf" <<-END
			Dir::Etc::sourcelist "$dir/sources.list";
			Dir::Etc::sourceparts "-";
			Dir::State::Lists "$dir/lists";
			Dir::Cache "$dir";
			Dir::Cache::Archives "$dir/archives";
			APT::Sandbox::User "root";
			APT::Install-Recommends "false";
			Binary::apt-get::APT::Keep-Downloaded-Packages "true";
		END
	fi
	export APT_CONFIG=$dir/apt.conf
}

rig_apt() (
	rig_apt_conf
	apt-get -q -o Acquire::Retries=3 "$@"
)

rig_apt_cache() (
	rig_apt_conf
	apt-cache "$@"
)

# Lists older than a day are fetched again; "force" fetches them now.
rig_apt_update() {
	if [ "${1:-}" = force ] ||
	   [ -z "$(find "$CACHE/apt/updated" -mtime -1 2>/dev/null)" ]; then
		logged "$CACHE/log/apt-update.log" "reading Debian's package lists" rig_apt update
		touch "$CACHE/apt/updated"
	fi
}

# fetch_debs DIR PACKAGE...: unpack packages into DIR without installing.
fetch_debs() {
	local dir=$1 tmp
	shift
	tmp=$(mktemp -d "$CACHE/fetch.XXXXXX")
	(cd "$tmp" && rig_apt download "$@") || { rm -rf "$tmp"; return 1; }
	mkdir -p "$dir"
	for deb in "$tmp"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$tmp"
}
