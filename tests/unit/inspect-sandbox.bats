#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kho-inspect gives up rights that a parser does not need.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	fixture=$fixtures/v4-stock-outgoing.khosnap
	cd "$BATS_TEST_TMPDIR" || return 1
}

# status_while_writing OPTION...: prints Seccomp and NoNewPrivs of a kho-inspect that waits because
# its output pipe is full.
status_while_writing() {
	/usr/bin/python3 - "$inspect" tree --json --core "$fixture" "$@" <<-'END'
		import fcntl, os, re, subprocess, sys, time
		read, write = os.pipe()
		fcntl.fcntl(write, 1031, 4096)  # F_SETPIPE_SZ
		os.write(write, b" " * 4096)
		child = subprocess.Popen(sys.argv[1:], stdout=write)
		os.close(write)
		while "pipe_write" not in open("/proc/%d/wchan" % child.pid).read():
		    assert child.poll() is None, "it ended"
		    time.sleep(0.01)
		status = open("/proc/%d/status" % child.pid).read()
		print(*re.findall(r"^(?:NoNewPrivs|Seccomp):\s*(\d+)", status, re.M))
		while os.read(read, 65536):
		    pass
		sys.exit(child.wait())
	END
}

@test "each step of the sandbox allows and forbids the right system calls" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-sandbox"
	[ "$output" = "0 failures" ]
}

@test "a filter is in force while it works, and no new privileges" {
	run -0 status_while_writing
	[ "$output" = "1 2" ]
}

@test "--no-sandbox installs no filter" {
	run -0 status_while_writing --no-sandbox
	[[ $output == *" 0" ]]
}

@test "every command prints the same with and without the sandbox" {
	local command
	for command in show list tree ranges scratch verify map; do
		"$inspect" "$command" --core "$fixture" >inside || :
		"$inspect" "$command" --core "$fixture" --no-sandbox >outside || :
		[ -s inside ]
		cmp inside outside
	done
	"$inspect" snapshot --core "$fixture" -o inside.snapshot
	"$inspect" snapshot --core "$fixture" -o outside.snapshot --no-sandbox
	cmp inside.snapshot outside.snapshot
	"$inspect" map --core "$fixture" -o inside.svg
	"$inspect" map --core "$fixture" -o outside.svg --no-sandbox
	cmp inside.svg outside.svg
	run -0 "$inspect" diff inside.snapshot outside.snapshot
}
