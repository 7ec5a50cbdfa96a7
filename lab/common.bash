# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Paths, messages and progress; every script here uses it.

KHO_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KHO_CACHE=${KHO_CACHE:-${HOME:-/root}/.cache/kho-tools}
KHO_BUILD=${KHO_BUILD:-$KHO_TOP/build}
mkdir -p "$KHO_CACHE" "$KHO_BUILD"
KHO_CACHE=$(cd "$KHO_CACHE" && pwd)
KHO_BUILD=$(cd "$KHO_BUILD" && pwd)

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

note() {
	printf '%s\n' "$*" >&2
}

# as_root COMMAND...: runs it as root, through sudo if necessary.
as_root() {
	if ((EUID == 0)); then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root: run it as root, or install sudo"
	fi
}

# step WHAT COMMAND...: runs it with its output in a log, and shows that it is
# alive. If it fails, shows the end of the log and ends the script.
step() {
	local what=$1 log status=0 start=$SECONDS pid
	shift
	log=$(mktemp "${TMPDIR:-/tmp}/kho-step.XXXXXX")

	"$@" >"$log" 2>&1 3>&- &
	pid=$!
	if [[ -t 2 ]]; then
		while kill -0 "$pid" 2>/dev/null; do
			printf '\r%s ... %d s ' "$what" $((SECONDS - start)) >&2
			sleep 1
		done
	else
		local told=$start
		while kill -0 "$pid" 2>/dev/null; do
			sleep 0.2
			if ((SECONDS - told >= 30)); then
				told=$SECONDS
				note "$what ... $((SECONDS - start)) s"
			fi
		done
	fi
	wait "$pid" || status=$?

	if ((status)); then
		[[ -t 2 ]] && printf '\r' >&2
		note "$what: FAILED after $((SECONDS - start)) s; the end of its output:"
		tail -n 40 "$log" >&2
		note "(all of it: $log)"
		exit 1
	fi
	if [[ -t 2 ]]; then
		printf '\r%s: done in %d s\n' "$what" $((SECONDS - start)) >&2
	elif ((SECONDS - start >= 2)); then
		note "$what: done in $((SECONDS - start)) s"
	fi
	rm -f "$log"
}

# hash_of FILE...: one hash over names (without folders) and contents.
hash_of() {
	local file
	for file in "$@"; do
		printf '%s ' "${file##*/}"
		sha256sum <"$file"
	done | sha256sum | cut -c1-16
}

# hash_tree DIR...: the same for all files below the folders.
hash_tree() {
	local dir
	for dir in "$@"; do
		(cd "$dir" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum)
	done | sha256sum | cut -c1-16
}

# copy_tracked DIR: copies the files that git tracks, as they are in the working tree.
copy_tracked() {
	local file
	mkdir -p "$1"
	(cd "$KHO_TOP" && git ls-files -z | while IFS= read -r -d '' file; do
		[[ ! -e $file ]] || printf '%s\0' "$file"
	done | tar -c --null -T -) | tar -x -C "$1"
}

# unless_there PATH COMMAND...: runs it if PATH does not exist. Checks again under a lock, because
# another process may have made it.
unless_there() {
	[[ -e $1 ]] || "${@:2}"
}

# with_lock NAME COMMAND...: runs one at a time in all clones that share the cache.
with_lock() {
	local name=$1
	shift
	(
		flock 9
		"$@"
	) 9>"$KHO_CACHE/$name.lock"
}
